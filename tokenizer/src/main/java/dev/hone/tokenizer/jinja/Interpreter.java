package dev.hone.tokenizer.jinja;

import dev.hone.tokenizer.jinja.Statement.Assign;
import dev.hone.tokenizer.jinja.Statement.FilterCall;
import dev.hone.tokenizer.jinja.Statement.Parameter;
import dev.hone.tokenizer.jinja.Statement.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs the statements of a template, once. */
final class Interpreter {
  /** What a statement leaves its loop to do. */
  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  private final Budget budget = new Budget();
  private final Evaluator evaluator = new Evaluator(budget);
  private StringBuilder out = new StringBuilder();

  private Interpreter() {}

  static String render(List<Statement> template, Scope scope) {
    var interpreter = new Interpreter();
    interpreter.run(template, scope);
    return interpreter.out.toString();
  }

  private Flow run(List<Statement> body, Scope scope) {
    for (Statement statement : body) {
      Flow flow = run(statement, scope);
      if (flow != Flow.ON) {
        return flow;
      }
    }
    return Flow.ON;
  }

  private Flow run(Statement statement, Scope scope) {
    budget.step();
    budget.enter();
    Flow flow = runInside(statement, scope);
    budget.leave();
    return flow;
  }

  private Flow runInside(Statement statement, Scope scope) {
    switch (statement) {
      case Statement.Text text -> write(text.text());
      case Statement.Output output ->
          write(Printing.text(evaluator.value(output.value(), scope), budget));
      case Statement.If branches -> {
        for (Statement.Branch branch : branches.branches()) {
          if (Values.truth(evaluator.value(branch.condition(), scope))) {
            return run(branch.body(), scope);
          }
        }
        return run(branches.otherwise(), scope);
      }
      case Statement.For loop -> run(loop, scope);
      case Statement.Break _ -> {
        return Flow.BREAK;
      }
      case Statement.Continue _ -> {
        return Flow.CONTINUE;
      }
      case Assign assign -> assign(assign, scope);
      case Statement.Capture capture ->
          set(
              capture.target(),
              filtered(
                  capture.filters(), text(capture.body(), new Scope(scope)), scope, capture.line()),
              scope,
              capture.line());
      case Statement.Filtered filtered ->
          write(
              Printing.text(
                  filtered(
                      filtered.filters(),
                      text(filtered.body(), new Scope(scope)),
                      scope,
                      filtered.line()),
                  budget));
      case Statement.Macro macro ->
          scope.set(macro.name(), macro(macro.name(), macro.parameters(), macro.body(), scope));
      case Statement.CallBlock block -> {
        Object macro = evaluator.value(block.call().callee(), scope);
        CallArguments given =
            evaluator.arguments("call", block.call().arguments(), scope, block.call().line());
        Map<String, Object> named = new LinkedHashMap<>(given.named());
        named.put("caller", macro("caller", block.parameters(), block.body(), scope));
        write(
            Printing.text(
                Evaluator.call(
                    macro,
                    new CallArguments(
                        "the macro", given.positional(), named, budget, given.line())),
                budget));
      }
      case Statement.Scoped scoped -> {
        Scope inner = new Scope(scope);
        scoped.assigns().forEach(assign -> assign(assign, inner));
        return run(scoped.body(), inner);
      }
    }
    return Flow.ON;
  }

  private void write(String text) {
    budget.limit(out.length() + (long) text.length());
    budget.chars(text.length());
    out.append(text);
  }

  private void run(Statement.For loop, Scope scope) {
    List<Object> items = new ArrayList<>();
    for (Object item :
        Values.items(budget.read(evaluator.value(loop.items(), scope)), loop.line())) {
      budget.step();
      if (loop.condition().isPresent()) {
        Scope inner = new Scope(scope);
        unpack(loop.targets(), item, inner, loop.line());
        if (!Values.truth(evaluator.value(loop.condition().get(), inner))) {
          continue;
        }
      }
      items.add(item);
    }
    var state = new LoopState(items);
    for (int i = 0; i < items.size(); i++) {
      Scope inner = new Scope(scope);
      state.to(i);
      inner.set("loop", state);
      unpack(loop.targets(), items.get(i), inner, loop.line());
      if (run(loop.body(), inner) == Flow.BREAK) {
        break;
      }
    }
    if (items.isEmpty()) {
      run(loop.otherwise(), new Scope(scope));
    }
  }

  private static void unpack(List<String> names, Object item, Scope scope, int line) {
    if (names.size() == 1) {
      scope.set(names.getFirst(), item);
      return;
    }
    List<?> values = Values.items(item, line);
    checkCount(values, names.size(), line);
    for (int i = 0; i < names.size(); i++) {
      scope.set(names.get(i), values.get(i));
    }
  }

  private static void checkCount(List<?> values, int wanted, int line) {
    if (values.size() != wanted) {
      throw new TemplateException(line, wanted + " names cannot take " + values.size() + " values");
    }
  }

  private void assign(Assign assign, Scope scope) {
    Object value = evaluator.value(assign.value(), scope);
    List<Target> targets = assign.targets();
    if (targets.size() == 1) {
      set(targets.getFirst(), value, scope, assign.line());
      return;
    }
    List<?> values = Values.items(value, assign.line());
    checkCount(values, targets.size(), assign.line());
    for (int i = 0; i < targets.size(); i++) {
      set(targets.get(i), values.get(i), scope, assign.line());
    }
  }

  private static void set(Target target, Object value, Scope scope, int line) {
    if (target.attribute().isEmpty()) {
      scope.set(target.name(), value);
    } else if (scope.get(target.name()) instanceof Namespace space) {
      space.values().put(target.attribute().get(), value);
    } else {
      throw new TemplateException(
          line, "only a namespace's attributes can be set, and " + target.name() + " is none");
    }
  }

  /** What a body writes. */
  private String text(List<Statement> body, Scope scope) {
    StringBuilder around = out;
    out = new StringBuilder();
    try {
      run(body, scope);
      return out.toString();
    } finally {
      out = around;
    }
  }

  private Object filtered(List<FilterCall> filters, Object value, Scope scope, int line) {
    Object filtered = value;
    for (FilterCall filter : filters) {
      filtered =
          Filters.apply(
              filter.name(),
              filtered,
              evaluator.arguments(filter.name(), filter.arguments(), scope, line));
    }
    return filtered;
  }

  private Callable macro(
      String name, List<Parameter> parameters, List<Statement> body, Scope around) {
    return a -> {
      Scope scope = new Scope(around);
      String[] names = parameters.stream().map(Parameter::name).toArray(String[]::new);
      Map<String, Object> given = new LinkedHashMap<>(a.named());
      Object caller = given.remove("caller");
      new CallArguments("the macro " + name, a.positional(), given, budget, a.line())
          .check(names.length, names);
      for (int i = 0; i < names.length; i++) {
        Parameter parameter = parameters.get(i);
        Object value =
            a.has(i, names[i])
                ? a.get(i, names[i], null)
                : parameter.otherwise().isPresent()
                    ? evaluator.value(parameter.otherwise().get(), scope)
                    : new Undefined("the parameter '" + names[i] + "'");
        scope.set(names[i], value);
      }
      if (caller != null) {
        scope.set("caller", caller);
      }
      return text(body, scope);
    };
  }
}
