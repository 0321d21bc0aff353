package dev.hone.tensor.kernel.x86.assembler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A function in machine code.
 *
 * @param name by which a crash log's address is told
 * @param bytes instructions, then constants
 * @param codeBytes how many are instructions
 */
public record Assembly(String name, byte[] bytes, int codeBytes, List<Instruction> instructions) {

  /**
   * One instruction.
   *
   * @param offset of its first byte
   * @param operands as a disassembler writes them; integers in hex
   */
  record Instruction(int offset, String mnemonic, Object... operands) {
    @Override
    public String toString() {
      String all = Arrays.stream(operands).map(Instruction::text).collect(Collectors.joining(","));
      return all.isEmpty() ? mnemonic : mnemonic + " " + all;
    }

    private static String text(Object operand) {
      return operand instanceof Number number
          ? "0x" + Long.toHexString(number.longValue())
          : operand.toString();
    }
  }

  /** A line an instruction: its bytes in hex, two spaces, its text. */
  public List<String> listing() {
    List<String> listing = new ArrayList<>();
    for (int i = 0; i < instructions.size(); i++) {
      Instruction one = instructions.get(i);
      boolean last = i + 1 == instructions.size();
      int next = last ? codeBytes : instructions.get(i + 1).offset();
      listing.add(HexFormat.of().formatHex(bytes, one.offset(), next) + "  " + one);
    }
    return listing;
  }
}
