package dev.hone.measure.report;

/** Text inside of HTML and SVG. */
final class Html {
  private Html() {}

  /** The text as content or as a quoted attribute's value. */
  static String escape(String text) {
    var escaped = new StringBuilder(text.length());
    text.chars()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.append((char) c);
              }
            });
    return escaped.toString();
  }
}
