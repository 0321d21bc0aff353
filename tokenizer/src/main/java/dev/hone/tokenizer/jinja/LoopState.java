package dev.hone.tokenizer.jinja;

import java.util.List;

/** What a loop's body knows of it: {@code loop.index}, {@code loop.last}. */
final class LoopState {
  private final List<Object> items;
  private int index;
  private Object changed = new Undefined("nothing yet");

  LoopState(List<Object> items) {
    this.items = items;
  }

  void to(int next) {
    index = next;
  }

  Object attribute(String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "depth" -> 1L; // a loop that calls itself is not known here
      case "depth0" -> 0L;
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index + 1 < size ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" ->
          (Callable)
              a -> {
                if (a.positional().isEmpty()) {
                  throw a.wrong("wants values");
                }
                return a.positional().get(index % a.positional().size());
              };
      case "changed" ->
          (Callable)
              a -> {
                boolean other = !Values.equal(changed, a.positional(), a.budget());
                changed = a.positional();
                return other;
              };
      default -> new Undefined("the loop's " + name);
    };
  }
}
