package dev.hone.tokenizer.jinja;

import dev.hone.tokenizer.jinja.Expression.Arguments;
import dev.hone.tokenizer.jinja.Statement.Assign;
import dev.hone.tokenizer.jinja.Statement.FilterCall;
import dev.hone.tokenizer.jinja.Statement.Parameter;
import dev.hone.tokenizer.jinja.Statement.Target;
import dev.hone.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads the statements of a template; expressions are {@link ExpressionParser}'s. */
final class Parser {
  private static final int MAX_DEPTH = 100;

  private final TokenReader in;
  private final ExpressionParser expressions;
  private int depth;
  private int loops;

  private Parser(TokenReader in) {
    this.in = in;
    this.expressions = new ExpressionParser(in);
  }

  static List<Statement> parse(String template) {
    var parser = new Parser(new TokenReader(Lexer.tokens(template)));
    return parser.body(Set.of());
  }

  /** Statements up to a block that begins with one of the names, which stays; or to the end. */
  private List<Statement> body(Set<String> ends) {
    if (++depth > MAX_DEPTH) {
      throw in.wrong("blocks stand within more than " + MAX_DEPTH + " others");
    }
    List<Statement> body = new ArrayList<>();
    while (true) {
      Token token = in.next();
      switch (token.kind()) {
        case TEXT -> body.add(new Statement.Text(token.text()));
        case OUTPUT_BEGIN -> {
          body.add(new Statement.Output(expressions.tuple()));
          in.expect(Kind.OUTPUT_END, "}}");
        }
        case BLOCK_BEGIN -> {
          if (in.peek().kind() == Kind.NAME && ends.contains(in.peek().text())) {
            depth--;
            return body;
          }
          body.add(statement());
        }
        case END -> {
          if (!ends.isEmpty()) {
            throw in.wrong("a block has no end: wanted one of " + ends);
          }
          depth--;
          return body;
        }
        case OUTPUT_END, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR ->
            throw in.wrong("unexpected " + token);
      }
    }
  }

  private Statement statement() {
    Token name = in.name();
    return switch (name.text()) {
      case "if" -> branches();
      case "for" -> loop();
      case "set" -> assignment();
      case "macro" -> macro();
      case "call" -> callBlock();
      case "filter" -> filtered();
      case "with" -> with();
      case "generation" -> {
        in.expect(Kind.BLOCK_END, "%}");
        yield new Statement.Scoped(List.of(), bodyTo("endgeneration"));
      }
      case "break", "continue" -> {
        if (loops == 0) {
          throw in.wrong(name.text() + " stands in no loop");
        }
        in.expect(Kind.BLOCK_END, "%}");
        yield name.text().equals("break") ? new Statement.Break() : new Statement.Continue();
      }
      default -> throw in.wrong("unknown block " + name.text());
    };
  }

  /** A body, and the block that ends it. */
  private List<Statement> bodyTo(String end) {
    List<Statement> body = body(Set.of(end));
    in.next();
    in.expect(Kind.BLOCK_END, "%}");
    return body;
  }

  private Statement branches() {
    List<Statement.Branch> branches = new ArrayList<>();
    List<Statement> otherwise = List.of();
    String next = "elif";
    while (next.equals("elif")) {
      Expression condition = expressions.tuple();
      in.expect(Kind.BLOCK_END, "%}");
      branches.add(new Statement.Branch(condition, body(Set.of("elif", "else", "endif"))));
      next = in.name().text();
    }
    if (next.equals("else")) {
      in.expect(Kind.BLOCK_END, "%}");
      otherwise = body(Set.of("endif"));
      in.next();
    }
    in.expect(Kind.BLOCK_END, "%}");
    return new Statement.If(branches, otherwise);
  }

  private Statement loop() {
    int line = in.line();
    List<String> targets = new ArrayList<>();
    boolean brackets = in.take("(");
    do {
      targets.add(in.name().text());
    } while (in.take(","));
    if (brackets) {
      in.expect(Kind.OPERATOR, ")");
    }
    in.expect(Kind.NAME, "in");
    Expression items = expressions.tupleWithoutCondition();
    Optional<Expression> condition =
        in.takeName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    if (in.takeName("recursive")) {
      throw in.wrong("a recursive loop is not known here");
    }
    in.expect(Kind.BLOCK_END, "%}");
    loops++;
    List<Statement> body = body(Set.of("else", "endfor"));
    loops--;
    List<Statement> otherwise = List.of();
    if (in.name().text().equals("else")) {
      in.expect(Kind.BLOCK_END, "%}");
      otherwise = body(Set.of("endfor"));
      in.next();
    }
    in.expect(Kind.BLOCK_END, "%}");
    return new Statement.For(targets, items, condition, body, otherwise, line);
  }

  private Statement assignment() {
    int line = in.line();
    List<Target> targets = targets();
    if (in.take("=")) {
      var assign = new Assign(targets, expressions.tuple(), line);
      in.expect(Kind.BLOCK_END, "%}");
      return assign;
    }
    List<FilterCall> filters = filters(in.take("|"));
    in.expect(Kind.BLOCK_END, "%}");
    if (targets.size() > 1) {
      throw in.wrong("text can be set to one name only");
    }
    return new Statement.Capture(targets.getFirst(), filters, bodyTo("endset"), line);
  }

  private List<Target> targets() {
    List<Target> targets = new ArrayList<>();
    boolean brackets = in.take("(");
    do {
      String name = in.name().text();
      targets.add(
          new Target(name, in.take(".") ? Optional.of(in.name().text()) : Optional.empty()));
    } while (in.take(","));
    if (brackets) {
      in.expect(Kind.OPERATOR, ")");
    }
    return targets;
  }

  private List<FilterCall> filters(boolean any) {
    List<FilterCall> filters = new ArrayList<>();
    while (any) {
      String name = in.name().text();
      filters.add(new FilterCall(name, in.take("(") ? expressions.arguments() : Arguments.NONE));
      any = in.take("|");
    }
    return filters;
  }

  private Statement macro() {
    String name = in.name().text();
    in.expect(Kind.OPERATOR, "(");
    List<Parameter> parameters = parameters();
    in.expect(Kind.BLOCK_END, "%}");
    int around = loops;
    loops = 0;
    List<Statement> body = bodyTo("endmacro");
    loops = around;
    return new Statement.Macro(name, parameters, body);
  }

  private List<Parameter> parameters() {
    List<Parameter> parameters = new ArrayList<>();
    while (!in.take(")")) {
      if (!parameters.isEmpty()) {
        in.expect(Kind.OPERATOR, ",");
      }
      String name = in.name().text();
      parameters.add(
          new Parameter(
              name, in.take("=") ? Optional.of(expressions.expression()) : Optional.empty()));
    }
    return parameters;
  }

  private Statement callBlock() {
    List<Parameter> parameters = in.take("(") ? parameters() : List.of();
    if (!(expressions.expression() instanceof Expression.Call call)) {
      throw in.wrong("call wants a macro's call");
    }
    in.expect(Kind.BLOCK_END, "%}");
    int around = loops;
    loops = 0;
    List<Statement> body = bodyTo("endcall");
    loops = around;
    return new Statement.CallBlock(parameters, call, body);
  }

  private Statement filtered() {
    int line = in.line();
    List<FilterCall> filters = filters(true);
    in.expect(Kind.BLOCK_END, "%}");
    return new Statement.Filtered(filters, bodyTo("endfilter"), line);
  }

  private Statement with() {
    List<Assign> assigns = new ArrayList<>();
    while (in.peek().kind() != Kind.BLOCK_END) {
      if (!assigns.isEmpty()) {
        in.expect(Kind.OPERATOR, ",");
      }
      int line = in.line();
      var target = new Target(in.name().text(), Optional.empty());
      in.expect(Kind.OPERATOR, "=");
      assigns.add(new Assign(List.of(target), expressions.expression(), line));
    }
    in.expect(Kind.BLOCK_END, "%}");
    return new Statement.Scoped(assigns, bodyTo("endwith"));
  }
}
