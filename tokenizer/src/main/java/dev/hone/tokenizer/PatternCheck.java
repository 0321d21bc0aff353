package dev.hone.tokenizer;

/**
 * Reads a regular expression far enough to know that the library's engine cannot get lost in it.
 *
 * <p>The engine backtracks, and the library panics when it gave up after ten million steps. So a
 * pattern may not try a text in more than linearly many ways from one place: no repeated group
 * whose content varies, and nothing that can fail after two open repetitions in a row. The patterns
 * of published tokenizers are of that kind. What may fail after one repetition is counted: each
 * costs up to a step a character, which bounds the text.
 */
final class PatternCheck {

  /** The engine gives up after 10,000,000; some are left for the rest of a pattern. */
  static final int MAX_STEPS = 8_000_000;

  private static final int MAX_CHARS = 4096;
  private static final int MAX_DEPTH = 16;
  private static final int MAX_COUNT = 1000;
  private static final int MAX_WAYS = 1000;

  /** A repetition of more places than this is taken for one without an end. */
  private static final int MAX_CLOSED = 8;

  private final JsonField field;
  private final String text;
  private int at;
  private int depth;
  private int backtracking;

  private PatternCheck(JsonField field) {
    this.field = field;
    this.text = field.text();
  }

  /** Number of places where a repetition may have to be given back, step by step. */
  static int check(JsonField field) {
    PatternCheck check = new PatternCheck(field);
    check.field.check(check.text.length() <= MAX_CHARS, "at most " + MAX_CHARS + " chars");
    check.alternatives();
    check.require(
        check.at == check.text.length(), "no closing parenthesis without its opening one");
    return check.backtracking;
  }

  /**
   * What a piece of a pattern can do.
   *
   * @param open repetitions without an end in a row
   * @param ways in how many ways it can match otherwise
   * @param optional whether it can match nothing, so that it never fails
   * @param opensBeforeFailure most open repetitions that something in it stands behind that can
   *     fail
   */
  private record Shape(int open, int ways, boolean optional, int opensBeforeFailure) {

    static final Shape CHARACTER = new Shape(0, 1, false, 0);
    static final Shape NOTHING = new Shape(0, 1, true, 0);

    boolean varies() {
      return open > 0 || ways > 1;
    }
  }

  private Shape alternatives() {
    require(++depth <= MAX_DEPTH, "groups nested at most " + MAX_DEPTH + " deep");
    Shape shape = branch();
    while (at < text.length() && text.charAt(at) == '|') {
      at++;
      Shape next = branch();
      shape =
          new Shape(
              Math.max(shape.open(), next.open()),
              shape.ways() + next.ways(),
              shape.optional() || next.optional(),
              Math.max(shape.opensBeforeFailure(), next.opensBeforeFailure()));
    }
    depth--;
    return shape;
  }

  private Shape branch() {
    Shape whole = Shape.NOTHING;
    while (at < text.length() && text.charAt(at) != '|' && text.charAt(at) != ')') {
      Shape part = quantified();
      int opens = whole.opensBeforeFailure();
      if (!part.optional()) {
        opens = Math.max(opens, whole.open() + part.opensBeforeFailure());
        require(opens < 2, "nothing that can fail after two open repetitions");
        backtracking += opens == 0 ? 0 : whole.open() > 0 ? whole.ways() : whole.ways() - 1;
      }
      int ways = whole.ways() * part.ways();
      require(ways <= MAX_WAYS, "at most " + MAX_WAYS + " ways to match optional parts");
      whole =
          new Shape(whole.open() + part.open(), ways, whole.optional() && part.optional(), opens);
    }
    return whole;
  }

  private Shape quantified() {
    Shape shape = atom();
    for (int times = 0; at < text.length(); times++) {
      int least;
      int most;
      switch (text.charAt(at)) {
        case '*' -> {
          least = 0;
          most = Integer.MAX_VALUE;
        }
        case '+' -> {
          least = 1;
          most = Integer.MAX_VALUE;
        }
        case '?' -> {
          least = 0;
          most = 1;
        }
        case '{' -> {
          int close = text.indexOf('}', at);
          String counts = close < 0 ? "" : text.substring(at + 1, close);
          if (!counts.matches("[0-9]{1,4}|[0-9]{0,4},[0-9]{0,4}") || counts.equals(",")) {
            return shape; // a literal brace
          }
          String[] bounds = counts.split(",", -1);
          least = bounds[0].isEmpty() ? 0 : Integer.parseInt(bounds[0]);
          String last = bounds[bounds.length - 1];
          most = last.isEmpty() ? Integer.MAX_VALUE : Integer.parseInt(last);
          require(
              least <= MAX_COUNT && (last.isEmpty() || most <= MAX_COUNT),
              "counts of at most " + MAX_COUNT);
          at = close;
        }
        default -> {
          return shape;
        }
      }
      at++;
      if (times > 0 && least + 1L >= most) {
        continue; // a lazy or possessive mark changes the order of the tries, not their number
      }
      require(times == 0, "one repetition of a thing");
      require(
          most == 1 || !shape.varies() && !shape.optional(),
          "no repeated group whose content varies");
      boolean open = most - least > MAX_CLOSED;
      int ways = open ? 1 : most - least + 1;
      shape =
          new Shape(
              shape.open() + (open ? 1 : 0),
              most == 1 ? shape.ways() + ways - 1 : ways,
              shape.optional() || least == 0,
              shape.opensBeforeFailure());
    }
    return shape;
  }

  private Shape atom() {
    char c = text.charAt(at++);
    return switch (c) {
      case '(' -> group();
      case '[' -> {
        characterClass();
        yield Shape.CHARACTER;
      }
      case '\\' -> {
        escape();
        yield Shape.CHARACTER;
      }
      default -> Shape.CHARACTER;
    };
  }

  private Shape group() {
    if (at < text.length() && text.charAt(at) == '?') {
      String rest = text.substring(at + 1, Math.min(text.length(), at + 24));
      String start =
          rest.startsWith("<") && !rest.startsWith("<=") && !rest.startsWith("<!")
              ? "" // a named group: nothing published has one
              : firstOf(rest, ":", "=", "!", "<=", "<!", ">", "i:", "s:", "m:", "i)", "s)", "m)");
      require(!start.isEmpty(), "groups (?: (?= (?! (?<= (?<! (?> (?i: (?i) only");
      at += 1 + start.length();
      if (start.endsWith(")")) {
        return Shape.NOTHING;
      }
    }
    Shape shape = alternatives();
    require(at < text.length(), "a closing parenthesis for each opening one");
    at++;
    return shape;
  }

  private static String firstOf(String text, String... starts) {
    for (String start : starts) {
      if (text.startsWith(start)) {
        return start;
      }
    }
    return "";
  }

  private void escape() {
    require(at < text.length(), "a character after a backslash");
    char c = text.charAt(at++);
    require(!(c >= '1' && c <= '9') && "kgXRKyY".indexOf(c) < 0, "no references to groups: \\" + c);
    if ((c == 'p' || c == 'P' || c == 'x') && at < text.length() && text.charAt(at) == '{') {
      int close = text.indexOf('}', at);
      require(close > 0, "a closing brace");
      at = close + 1;
    }
  }

  private void characterClass() {
    int nested = 1;
    while (nested > 0) {
      require(at < text.length(), "a closing bracket for each opening one");
      char c = text.charAt(at++);
      if (c == '\\') {
        escape();
      } else if (c == '[') {
        nested++;
        require(nested <= MAX_DEPTH, "classes nested at most " + MAX_DEPTH + " deep");
      } else if (c == ']' && !isFirst()) {
        nested--;
      }
    }
  }

  /** Whether the bracket just read is the first of its class, where it stands for itself. */
  private boolean isFirst() {
    char before = text.charAt(at - 2);
    return before == '[' && !escaped(at - 2)
        || before == '^' && text.charAt(at - 3) == '[' && !escaped(at - 3);
  }

  private boolean escaped(int index) {
    int slashes = 0;
    while (index - slashes > 0 && text.charAt(index - slashes - 1) == '\\') {
      slashes++;
    }
    return slashes % 2 == 1;
  }

  private void require(boolean condition, String expected) {
    if (!condition) {
      field.check(false, "a regular expression with " + expected + " (position " + at + ")");
    }
  }
}
