package dev.hone.tensor.kernel.x86.assembler;

import java.util.List;

/**
 * A function in machine code.
 *
 * @param name by which a crash log's address is told
 * @param bytes instructions, then constants
 * @param codeBytes how many are instructions
 * @param listing a line an instruction: its bytes in hex, two spaces, its text
 */
public record Assembly(String name, byte[] bytes, int codeBytes, List<String> listing) {}
