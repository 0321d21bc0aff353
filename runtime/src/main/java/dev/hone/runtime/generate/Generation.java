package dev.hone.runtime.generate;

import dev.hone.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Prompts on their way to their answers. Every step is one packed batch of all sequences; a prompt
 * joins when there is room, a sequence leaves when its answer has ended.
 */
final class Generation {
  private final PackedSteps steps;
  private final Tokenizer tokenizer;
  private final GenerationSettings settings;
  private final int contextTokens;
  private final int mostSequences;
  private final long seed;
  private final List<Supplier<TokenSequence>> prompts;
  private final Consumer<TokenSequence> left;
  private final PieceListener listener;
  private final List<Running> running = new ArrayList<>();
  private final List<List<Answering>> answerings = new ArrayList<>();
  private GenerationSpeed speed = GenerationSpeed.NONE;

  /** An answer to a prompt; the first of them reads it. */
  private record Running(int prompt, int answer, Answering answering) {}

  /**
   * Answers to prompts.
   *
   * @param contextTokens tokens of prompt and answer at most
   * @param mostSequences that run when a prompt joins
   * @param prompts asked for a sequence when there is room for it
   * @param left told of each sequence whose answer has ended
   */
  Generation(
      PackedSteps steps,
      Tokenizer tokenizer,
      GenerationSettings settings,
      int contextTokens,
      int mostSequences,
      List<Supplier<TokenSequence>> prompts,
      Consumer<TokenSequence> left,
      PieceListener listener) {
    this.steps = steps;
    this.tokenizer = tokenizer;
    this.settings = settings;
    this.contextTokens = contextTokens;
    this.mostSequences = mostSequences;
    this.seed = settings.sampling().seed().orElseGet(RandomGenerator.getDefault()::nextLong);
    this.prompts = prompts;
    this.left = left;
    this.listener = listener;
    join();
  }

  /** Reads on; false where every answer has ended. */
  boolean step() {
    join();
    if (running.isEmpty()) {
      return false;
    }
    long start = System.nanoTime();
    boolean prompt = running.stream().anyMatch(r -> r.answering.sequence().unread() > 1);
    int read = steps.step(running.stream().map(r -> r.answering.sequence()).toList());
    fork();
    int chosen = 0;
    for (Running one : running) {
      if (one.answering.sequence().unread() == 0) {
        String piece = one.answering.choose();
        chosen++;
        listener.piece(one.prompt, one.answer, piece);
      }
    }
    running.removeIf(this::ended);
    long nanos = System.nanoTime() - start;
    speed =
        speed.plus(
            prompt
                ? new GenerationSpeed(read, nanos, 0, 0)
                : new GenerationSpeed(0, 0, chosen, nanos));
    return true;
  }

  private void join() {
    while (answerings.size() < prompts.size() && running.size() < mostSequences) {
      int prompt = answerings.size();
      answerings.add(new ArrayList<>());
      add(prompt, answerings.get(prompt), prompts.get(prompt).get());
    }
  }

  private void add(int prompt, List<Answering> answers, TokenSequence sequence) {
    int answer = answers.size();
    answers.add(new Answering(sequence, tokenizer, settings, seed, answer, contextTokens));
    running.add(new Running(prompt, answer, answers.getLast()));
  }

  /** A prompt that has been read gets the rest of its answers. */
  private void fork() {
    for (int prompt = 0; prompt < answerings.size(); prompt++) {
      List<Answering> answers = answerings.get(prompt);
      TokenSequence first = answers.getFirst().sequence();
      if (first.unread() == 0) {
        while (answers.size() < settings.answers()) {
          add(prompt, answers, first.fork());
        }
      }
    }
  }

  private boolean ended(Running one) {
    if (one.answering.ended()) {
      left.accept(one.answering.sequence());
      return true;
    }
    return false;
  }

  /** The answers to each prompt, so far. */
  List<List<GeneratedText>> answers() {
    return answerings.stream()
        .map(answers -> answers.stream().map(Answering::answer).toList())
        .toList();
  }

  GenerationSpeed speed() {
    return speed;
  }

  /** Ends the answers that have not ended. */
  void cancel() {
    running.forEach(one -> one.answering.cancel());
  }
}
