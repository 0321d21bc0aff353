package dev.hone.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;

/**
 * Walks the character map that SentencePiece models carry, so that the library stays inside it: it
 * follows the trie's links without looking where they lead.
 *
 * <pre>
 *   +----------------+-------------------------+------------------------------+
 *   | trie bytes: u32| trie units: u32 each    | replacements: UTF-8, each \0 |
 *   +----------------+-------------------------+------------------------------+
 *   unit: bits 0-7 label, 8 has a value, 9 offset is times 256, 10-31 offset; bit 31 set in values
 * </pre>
 *
 * <p>A double-array trie (Darts): the child of a node over byte {@code c} is {@code base(node) ^
 * c}.
 */
final class CharsMapCheck {

  /** The longest replacement that published maps have is 33 bytes. */
  private static final int MAX_REPLACEMENT_BYTES = 256;

  private CharsMapCheck() {}

  static void check(JsonField field) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(field.text());
    } catch (IllegalArgumentException _) {
      field.check(false, "base64");
      return;
    }
    field.check(bytes.length >= 2 * Integer.BYTES, "a trie's size and units");
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long trieBytes = Integer.toUnsignedLong(data.getInt());
    boolean fits = trieBytes >= Integer.BYTES && trieBytes <= data.remaining();
    field.check(fits, "a trie within its " + bytes.length + " bytes");
    int[] units = new int[(int) trieBytes / Integer.BYTES];
    data.asIntBuffer().get(units);
    int replacements = Integer.BYTES + units.length * Integer.BYTES;
    walk(field, units, data.slice(replacements, bytes.length - replacements));
  }

  private static void walk(JsonField field, int[] units, ByteBuffer replacements) {
    BitSet seen = new BitSet(units.length);
    Deque<Integer> bases = new ArrayDeque<>();
    bases.add(offset(units[0]));
    while (!bases.isEmpty()) {
      int base = bases.remove();
      for (int label = 1; label < 256; label++) {
        int child = base ^ label;
        field.check(child < units.length, "links inside the trie");
        int unit = units[child];
        if (((unit & 0x80000000) | (unit & 0xff)) != label || seen.get(child)) {
          continue;
        }
        seen.set(child);
        int childBase = child ^ offset(unit);
        bases.add(childBase);
        if ((unit & 0x100) != 0) {
          field.check(childBase < units.length, "values inside the trie");
          checkReplacement(field, units[childBase] & 0x7fffffff, replacements);
        }
      }
    }
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & 0x200) >>> 6);
  }

  private static void checkReplacement(JsonField field, int start, ByteBuffer replacements) {
    field.check(start <= replacements.limit(), "replacements inside the map");
    int end = start;
    while (end < replacements.limit() && replacements.get(end) != 0) {
      end++;
    }
    field.check(
        end - start <= MAX_REPLACEMENT_BYTES,
        "replacements of at most " + MAX_REPLACEMENT_BYTES + " bytes");
    boolean whole = start == replacements.limit() || (replacements.get(start) & 0xc0) != 0x80;
    field.check(whole, "replacements that begin with a character");
  }
}
