package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** A place in a JSON file, so that an error can name it: {@code model.vocab}. */
record JsonField(String file, String path, JsonNode node) {

  private static final int SHOWN_CHARS = 80;

  static JsonField root(String file, JsonNode node) {
    return new JsonField(file, "", node);
  }

  /** The field of an object; {@link #isAbsent} if it is not there or null. */
  JsonField at(String name) {
    return new JsonField(file, path.isEmpty() ? name : path + '.' + name, node.path(name));
  }

  boolean isAbsent() {
    return node.isMissingNode() || node.isNull();
  }

  JsonField object() {
    check(node.isObject(), "an object");
    return this;
  }

  /** The elements of an array. */
  List<JsonField> items() {
    check(node.isArray(), "an array");
    List<JsonField> items = new ArrayList<>(node.size());
    for (int k = 0; k < node.size(); k++) {
      items.add(new JsonField(file, path + '[' + k + ']', node.get(k)));
    }
    return items;
  }

  String text() {
    check(node.isTextual(), "a string");
    return node.textValue();
  }

  /** A string, or {@code null} if it is absent. */
  String textOrNull() {
    return isAbsent() ? null : text();
  }

  /** A whole number in a range, both ends included. */
  int integer(int least, int most) {
    check(
        node.isIntegralNumber()
            && node.canConvertToInt()
            && node.intValue() >= least
            && node.intValue() <= most,
        "a whole number from " + least + " to " + most);
    return node.intValue();
  }

  /** Fails with what was expected, unless the condition holds. */
  void check(boolean condition, String expected) {
    if (!condition) {
      String found = isAbsent() ? "nothing" : node.toString();
      throw new TokenizerException(
          "Wrong value: file="
              + file
              + ", field="
              + (path.isEmpty() ? "(whole file)" : path)
              + ", expected="
              + expected
              + ", found="
              + (found.length() > SHOWN_CHARS ? found.substring(0, SHOWN_CHARS) + "..." : found));
    }
  }
}
