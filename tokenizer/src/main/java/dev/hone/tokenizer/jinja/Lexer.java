package dev.hone.tokenizer.jinja;

import dev.hone.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens. Space around tags goes as with {@code trim_blocks} and {@code
 * lstrip_blocks}: the newline behind a block, and what indents one on its line.
 */
final class Lexer {
  private static final Pattern SPACE = Pattern.compile("\\s+");
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
  private static final Pattern FLOAT =
      Pattern.compile("\\d[\\d_]*(?:\\.\\d[\\d_]*(?:[eE][+-]?\\d+)?|[eE][+-]?\\d+)");
  private static final Pattern INTEGER = Pattern.compile("\\d[\\d_]*");
  private static final Pattern OPERATOR =
      Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,;]");
  private static final Pattern RAW_BEGIN = Pattern.compile("\\{%[-+]?\\s*raw\\s*[-+]?%}");
  private static final Pattern RAW =
      Pattern.compile(
          "\\{%([-+]?)\\s*raw\\s*(-?)%}(.*?)\\{%([-+]?)\\s*endraw\\s*([-+]?)%}", Pattern.DOTALL);

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;

  /** Whether the tag before ended with a line. */
  private boolean lineStarts = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    var lexer = new Lexer(source);
    while (lexer.at < source.length()) {
      lexer.text();
    }
    lexer.add(Kind.END, "");
    return lexer.tokens;
  }

  /** Text up to a tag, and the tag. */
  private void text() {
    int open = source.indexOf('{', at);
    while (open >= 0
        && !(open + 1 < source.length() && "{%#".indexOf(source.charAt(open + 1)) >= 0)) {
      open = source.indexOf('{', open + 1);
    }
    if (open < 0) {
      addText(source.substring(at));
      move(source.length());
      return;
    }
    char kind = source.charAt(open + 1);
    char sign = open + 2 < source.length() ? source.charAt(open + 2) : ' ';
    String text = source.substring(at, open);
    addText(stripped(text, kind, sign));
    move(open);
    if (kind == '#') {
      comment();
      return;
    }
    Matcher raw = RAW.matcher(source).region(at, source.length());
    if (kind == '%' && raw.lookingAt()) {
      raw(raw);
      return;
    }
    if (kind == '%' && RAW_BEGIN.matcher(source).region(at, source.length()).lookingAt()) {
      throw new TemplateException(line, "raw has no endraw");
    }
    move(at + (sign == '-' || sign == '+' ? 3 : 2));
    add(kind == '{' ? Kind.OUTPUT_BEGIN : Kind.BLOCK_BEGIN, kind == '{' ? "{{" : "{%");
    inside(kind == '{' ? "}}" : "%}", kind == '{' ? Kind.OUTPUT_END : Kind.BLOCK_END);
  }

  private String stripped(String text, char kind, char sign) {
    if (sign == '-') {
      return text.stripTrailing();
    }
    int start = text.lastIndexOf('\n') + 1;
    boolean indent =
        kind != '{'
            && sign != '+'
            && (start > 0 || lineStarts)
            && text.substring(start).chars().allMatch(c -> c == ' ' || c == '\t');
    return indent ? text.substring(0, start) : text;
  }

  private void comment() {
    int end = source.indexOf("#}", at + 2);
    if (end < 0) {
      throw new TemplateException(line, "a comment has no end");
    }
    char sign = source.charAt(end - 1);
    move(end + 2);
    spaceBehind(sign, true);
  }

  private void raw(Matcher raw) {
    int open = raw.end(2) + 2;
    int close = raw.start(4) - 2;
    char first = raw.group(2).isEmpty() ? ' ' : '-';
    move(open);
    spaceBehind(first, true);
    String text = source.substring(Math.min(at, close), close);
    addText(stripped(text, '%', raw.group(4).isEmpty() ? ' ' : raw.group(4).charAt(0)));
    move(raw.end());
    spaceBehind(raw.group(5).isEmpty() ? ' ' : raw.group(5).charAt(0), true);
  }

  /** What the end of a tag takes with it. */
  private void spaceBehind(char sign, boolean block) {
    int end = at;
    if (sign == '-') {
      while (end < source.length() && Character.isWhitespace(source.charAt(end))) {
        end++;
      }
    } else if (block && sign != '+' && end < source.length() && source.charAt(end) == '\n') {
      end++;
    }
    move(end);
    lineStarts = at > 0 && source.charAt(at - 1) == '\n';
  }

  private void inside(String end, Kind endKind) {
    int depth = 0;
    while (true) {
      skip();
      if (at == source.length()) {
        throw new TemplateException(line, "a tag has no " + end);
      }
      char sign = source.charAt(at);
      boolean signed = (sign == '-' || sign == '+') && source.startsWith(end, at + 1);
      if (depth == 0 && (signed || source.startsWith(end, at))) {
        add(endKind, end);
        move(at + (signed ? 3 : 2));
        spaceBehind(signed ? sign : ' ', endKind == Kind.BLOCK_END);
        return;
      }
      Token token = token();
      if (token.kind() == Kind.OPERATOR) {
        depth += "([{".contains(token.text()) ? 1 : ")]}".contains(token.text()) ? -1 : 0;
        if (depth < 0) {
          throw new TemplateException(line, "unexpected " + token);
        }
      }
      tokens.add(token);
    }
  }

  private void skip() {
    Matcher space = at(SPACE);
    if (space.lookingAt()) {
      move(space.end());
    }
  }

  private Token token() {
    int from = line;
    char quote = source.charAt(at);
    if (quote == '\'' || quote == '"') {
      int end = at + 1;
      while (end < source.length() && source.charAt(end) != quote) {
        end += source.charAt(end) == '\\' ? 2 : 1;
      }
      if (end >= source.length()) {
        throw new TemplateException(line, "a string has no end");
      }
      String content = source.substring(at + 1, end);
      move(end + 1);
      return new Token(Kind.STRING, Escapes.decode(content, from), from);
    }
    Matcher name = at(NAME);
    if (name.lookingAt()) {
      move(name.end());
      return new Token(Kind.NAME, name.group(), from);
    }
    Matcher number = at(FLOAT);
    Kind kind = Kind.FLOAT;
    if (!number.lookingAt()) {
      number = at(INTEGER);
      kind = Kind.INTEGER;
    }
    if (number.lookingAt()) {
      move(number.end());
      return new Token(kind, number.group().replace("_", ""), from);
    }
    Matcher operator = at(OPERATOR);
    if (operator.lookingAt()) {
      move(operator.end());
      return new Token(Kind.OPERATOR, operator.group(), from);
    }
    throw new TemplateException(line, "unexpected " + source.charAt(at));
  }

  private Matcher at(Pattern pattern) {
    return pattern.matcher(source).region(at, source.length());
  }

  private void addText(String text) {
    if (!text.isEmpty()) {
      add(Kind.TEXT, text);
    }
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private void move(int to) {
    for (int i = at; i < to; i++) {
      line += source.charAt(i) == '\n' ? 1 : 0;
    }
    at = to;
  }
}
