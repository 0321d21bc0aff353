package dev.hone.tokenizer.jinja;

/** What stands behind a backslash in Python's strings. */
final class Escapes {
  private Escapes() {}

  static String decode(String text, int line) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    var decoded = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        decoded.append(c);
        continue;
      }
      char kind = text.charAt(++i);
      int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
      if (digits > 0) {
        decoded.appendCodePoint(number(text, i + 1, digits, line));
        i += digits;
      } else if (kind >= '0' && kind <= '7') {
        int end = i + 1;
        while (end < text.length()
            && end < i + 3
            && text.charAt(end) >= '0'
            && text.charAt(end) <= '7') {
          end++;
        }
        decoded.append((char) Integer.parseInt(text.substring(i, end), 8));
        i = end - 1;
      } else {
        String known = "\n\\'\"abfnrtv";
        String means = "\0\\'\"\u0007\b\f\n\r\t\u000b";
        int which = known.indexOf(kind);
        if (which < 0) {
          decoded.append('\\').append(kind);
        } else if (which > 0) {
          decoded.append(means.charAt(which));
        } // a line that goes on
      }
    }
    return decoded.toString();
  }

  private static int number(String text, int from, int digits, int line) {
    try {
      int point = Integer.parseInt(text.substring(from, from + digits), 16);
      if (Character.isValidCodePoint(point)) {
        return point;
      }
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new TemplateException(line, "no character: " + text);
    }
    throw new TemplateException(line, "no character: " + text);
  }
}
