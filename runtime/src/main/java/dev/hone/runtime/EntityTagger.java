package dev.hone.runtime;

import dev.hone.tokenizer.Encoding;
import dev.hone.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Turns the label logits of tokens into entities, as transformers' token classification pipeline
 * does.
 *
 * @param labels names of the model's labels
 * @param ignored labels that are not reported; of groups: kinds
 */
record EntityTagger(
    Tokenizer tokenizer, List<String> labels, Aggregation aggregation, Set<String> ignored) {

  /** A token of the text. */
  private record Token(
      int index,
      int id,
      String word,
      boolean unknown,
      boolean subword,
      float[] scores,
      int start,
      int end) {}

  /** Tokens that got a label together: one token, or those of a word. */
  private record Labelled(List<Token> tokens, String label, float score) {

    boolean begins() {
      return label.startsWith("B-");
    }

    String kind() {
      return begins() || label.startsWith("I-") ? label.substring(2) : label;
    }
  }

  /**
   * The entities of a text.
   *
   * @param logits [token, label]
   */
  List<Entity> entities(String text, Encoding encoding, float[][] logits) {
    List<Token> tokens =
        IntStream.range(0, encoding.size())
            .filter(i -> !encoding.special(i))
            .mapToObj(i -> token(text, encoding, i, logits[i]))
            .toList();
    List<Entity> entities =
        switch (aggregation) {
          case NONE -> each(tokens).stream().map(this::single).toList();
          case SIMPLE -> groups(each(tokens));
          case FIRST, AVERAGE, MAX -> groups(words(tokens).stream().map(this::labelled).toList());
        };
    return entities.stream().filter(e -> !ignored.contains(e.label())).toList();
  }

  private Token token(String text, Encoding encoding, int i, float[] logits) {
    int id = encoding.id(i);
    int start = encoding.start(i);
    int end = encoding.end(i);
    String span = text.substring(start, end);
    boolean unknown = tokenizer.unknownId().orElse(-1) == id;
    String word = unknown ? span : tokenizer.idToToken(id);
    boolean subword = !unknown && isSubword(text, start, word, span);
    return new Token(i, id, word, unknown, subword, Probabilities.softmax(logits), start, end);
  }

  /**
   * Whether the token goes on with the word before it; a guess where the tokenizer marks no such
   * tokens.
   */
  private boolean isSubword(String text, int start, String word, String span) {
    if (tokenizer.continuingSubwordPrefix().isPresent()) {
      return word.codePointCount(0, word.length()) != span.codePointCount(0, span.length());
    }
    boolean spaceBefore = start > 0 && text.charAt(start - 1) == ' ';
    boolean spaceHere = start < text.length() && text.charAt(start) == ' ';
    return start > 0 && !spaceBefore && !spaceHere;
  }

  private List<Labelled> each(List<Token> tokens) {
    return tokens.stream().map(t -> labelled(List.of(t), t.scores())).toList();
  }

  private static List<List<Token>> words(List<Token> tokens) {
    List<List<Token>> words = new ArrayList<>();
    for (Token token : tokens) {
      if (words.isEmpty() || !token.subword()) {
        words.add(new ArrayList<>());
      }
      words.getLast().add(token);
    }
    return words;
  }

  private Labelled labelled(List<Token> word) {
    float[] scores =
        switch (aggregation) {
          case AVERAGE -> mean(word);
          case MAX -> surest(word).scores();
          case NONE, SIMPLE, FIRST -> word.getFirst().scores();
        };
    return labelled(word, scores);
  }

  private Labelled labelled(List<Token> tokens, float[] scores) {
    int best = Probabilities.argmax(scores);
    return new Labelled(tokens, labels.get(best), scores[best]);
  }

  private static float[] mean(List<Token> word) {
    float[] mean = new float[word.getFirst().scores().length];
    for (Token token : word) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += token.scores()[i] / word.size();
      }
    }
    return mean;
  }

  private static Token surest(List<Token> word) {
    Token surest = word.getFirst();
    for (Token token : word) {
      if (token.scores()[Probabilities.argmax(token.scores())]
          > surest.scores()[Probabilities.argmax(surest.scores())]) {
        surest = token;
      }
    }
    return surest;
  }

  private Entity single(Labelled one) {
    Token token = one.tokens().getFirst();
    return new Entity(
        one.label(),
        one.score(),
        token.word(),
        token.start(),
        token.end(),
        OptionalInt.of(token.index()));
  }

  private List<Entity> groups(List<Labelled> all) {
    List<Entity> entities = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= all.size(); i++) {
      boolean ends =
          i == all.size()
              || all.get(i).begins()
              || !all.get(i).kind().equals(all.get(i - 1).kind());
      if (ends) {
        entities.add(group(all.subList(from, i)));
        from = i;
      }
    }
    return entities;
  }

  private Entity group(List<Labelled> parts) {
    List<Token> tokens = parts.stream().flatMap(p -> p.tokens().stream()).toList();
    String label = parts.getFirst().label();
    return new Entity(
        label.substring(label.indexOf('-') + 1),
        (float) parts.stream().mapToDouble(Labelled::score).average().orElseThrow(),
        word(tokens),
        tokens.getFirst().start(),
        tokens.getLast().end(),
        OptionalInt.empty());
  }

  /** The tokens put together; what the vocabulary does not know stands as it does in the text. */
  private String word(List<Token> tokens) {
    String word = tokenizer.decode(tokens.stream().mapToInt(Token::id).toArray(), false);
    int from = 0;
    for (Token token : tokens) {
      String unknown = tokenizer.idToToken(token.id());
      int at = token.unknown() ? word.indexOf(unknown, from) : -1;
      if (at >= 0) {
        word = word.substring(0, at) + token.word() + word.substring(at + unknown.length());
        from = at + token.word().length();
      }
    }
    return word;
  }
}
