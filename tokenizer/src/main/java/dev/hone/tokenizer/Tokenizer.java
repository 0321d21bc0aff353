package dev.hone.tokenizer;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Text to token ids and back, as the model was trained with.
 *
 * <p>Padding and truncation that a {@code tokenizer.json} asks for are never applied: a text is
 * encoded whole, then cut to the caller's limit as transformers does, which keeps the template's
 * special tokens and cuts the content. Use from many threads at once is fine. It owns native
 * memory: who loads closes.
 */
public final class Tokenizer implements AutoCloseable {

  /** For {@code maxTokens}: do not cut. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  private final NativeTokenizer library;
  private final Vocabulary vocabulary;
  private final TokenizerConfig config;
  private final boolean cutsLeft;
  private final OptionalInt modelMaxTokens;
  private final int maxTextChars;

  private Tokenizer(ObjectNode json, Path file, TokenizerConfig config) {
    this.config = config;
    cutsLeft = config.cutsLeft();
    modelMaxTokens = config.modelMaxTokens();
    maxTextChars = TokenizerCheck.check(file.toString(), json);
    vocabulary = new Vocabulary(json);
    json.putNull("truncation");
    json.putNull("padding");
    library = new NativeTokenizer(json.toString(), file.toString());
  }

  /**
   * Loads the tokenizer of a model's folder: {@code tokenizer.json}, else a BERT {@code vocab.txt};
   * {@code tokenizer_config.json} beside them is read if it is there.
   *
   * @throws TokenizerException if there is none, or the files are not what they should be
   */
  public static Tokenizer load(Path folder) {
    TokenizerConfig config = TokenizerConfig.of(folder);
    Path json = folder.resolve("tokenizer.json");
    if (Files.exists(json)) {
      return new Tokenizer(TokenizerJson.read(json), json, config);
    }
    Path vocabulary = folder.resolve("vocab.txt");
    if (Files.exists(vocabulary)) {
      return new Tokenizer(BertVocabulary.tokenizer(vocabulary, config), vocabulary, config);
    }
    throw new TokenizerException(
        "No tokenizer: neither tokenizer.json nor vocab.txt in folder=" + folder);
  }

  /**
   * The tokenizer that a GGUF file carries.
   *
   * @throws TokenizerException if it is none that the library can be told
   */
  public static Tokenizer of(GgufVocabulary vocabulary) {
    Path source = Path.of(vocabulary.source());
    Map<String, String> roles = new TreeMap<>();
    vocabulary.roles().forEach((role, id) -> roles.put(role, vocabulary.tokens().get(id)));
    return new Tokenizer(
        GgufTokenizer.tokenizer(vocabulary), source, TokenizerConfig.of(source, roles));
  }

  /**
   * Encodes one text.
   *
   * @param maxTokens most tokens of the result, the template's among them; {@link #UNLIMITED} for
   *     all
   * @throws TokenizerException if not even the template's tokens fit, or if the text has more than
   *     4,194,304 {@code char}s, fewer for some tokenizers: what the library can take without
   *     giving up
   */
  public Encoding encode(String text, int maxTokens) {
    return encode(text, null, maxTokens, Truncation.LONGEST_FIRST);
  }

  /** Encodes two texts that a model reads together, cutting the longer one first. */
  public Encoding encodePair(String first, String second, int maxTokens) {
    return encodePair(first, second, maxTokens, Truncation.LONGEST_FIRST);
  }

  /**
   * Encodes two texts that a model reads together.
   *
   * @throws TokenizerException if the text that may not be cut leaves no room
   */
  public Encoding encodePair(String first, String second, int maxTokens, Truncation truncation) {
    return encode(first, java.util.Objects.requireNonNull(second), maxTokens, truncation);
  }

  /** Encodes many texts, each for itself, on the caller's thread. */
  public List<Encoding> encodeAll(List<String> texts, int maxTokens) {
    return texts.stream().map(text -> encode(text, maxTokens)).toList();
  }

  /** The ids of a whole text alone, without the template's tokens around it. */
  public int[] encodeAlone(String text) {
    long[] ids = library.encodeAlone(wellFormed(text));
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }

  /** Number of tokens of a whole text, the template's among them. */
  public int tokenCount(String text) {
    return encode(text, UNLIMITED).size();
  }

  /** The text of ids, put together as the tokenizer says ({@code ##} joined, and so on). */
  public String decode(int[] ids, boolean skipSpecialTokens) {
    long[] wide = new long[ids.length];
    for (int k = 0; k < ids.length; k++) {
      if (vocabulary.token(ids[k]) == null) {
        throw new IllegalArgumentException("No such token: id=" + ids[k] + " at " + k);
      }
      wide[k] = ids[k];
    }
    return library.decode(wide, skipSpecialTokens);
  }

  /**
   * The token as the vocabulary spells it, {@code ##ing}.
   *
   * @throws IllegalArgumentException if there is none
   */
  public String idToToken(int id) {
    String token = vocabulary.token(id);
    if (token == null) {
      throw new IllegalArgumentException(
          "No such token: id=" + id + ", vocabularySize=" + vocabulary.size());
    }
    return token;
  }

  /** The id of a token as the vocabulary spells it. */
  public OptionalInt tokenToId(String token) {
    return vocabulary.id(token);
  }

  /** Id of the token that stands for what has none: {@code [UNK]}. */
  public OptionalInt unknownId() {
    return vocabulary.unknown();
  }

  /**
   * What tokens begin with that go on with a word, {@code ##}; empty where the tokenizer marks
   * none.
   */
  public Optional<String> continuingSubwordPrefix() {
    return vocabulary.subwordPrefix();
  }

  /** Number of tokens, added ones among them. */
  public int vocabularySize() {
    return vocabulary.size();
  }

  /** The largest id of a token; a model's word embeddings must have more rows. */
  public int largestId() {
    return vocabulary.largestId();
  }

  /**
   * {@code model_max_length} of {@code tokenizer_config.json}; empty if it sets no limit. A model's
   * other files may know better.
   */
  public OptionalInt modelMaxTokens() {
    return modelMaxTokens;
  }

  /**
   * Tokens that are no text: {@code [CLS]}, {@code [SEP]}... as {@code tokenizer.json} lists them.
   */
  public Set<String> specialTokens() {
    return Collections.unmodifiableSet(vocabulary.special());
  }

  /** Roles to tokens as {@code tokenizer_config.json} names them: {@code pad -> [PAD]}. */
  public Map<String, String> specialTokenRoles() {
    return config.specialTokens();
  }

  @Override
  public void close() {
    library.close();
  }

  private Encoding encode(String first, String second, int maxTokens, Truncation truncation) {
    String firstClean = wellFormed(first);
    String secondClean = second == null ? null : wellFormed(second);
    NativeTokenizer.Raw raw = library.encode(firstClean, secondClean);
    int[] kept = kept(raw, maxTokens, truncation);
    return encoding(raw, kept, CharIndex.of(firstClean), CharIndex.of(secondClean));
  }

  /** Indices of the tokens that stay. */
  private int[] kept(NativeTokenizer.Raw raw, int maxTokens, Truncation truncation) {
    int size = raw.ids().length;
    int[] content = new int[2];
    for (int k = 0; k < size; k++) {
      if (raw.special()[k] == 0) {
        content[sequence(raw, k)]++;
      }
    }
    int room = maxTokens - (size - content[0] - content[1]);
    if (room < 0) {
      throw new TokenizerException(
          "No room for the template's tokens: maxTokens="
              + maxTokens
              + ", special tokens="
              + (maxTokens - room));
    }
    int first = truncation.firstKept(content[0], content[1], room);
    if (first < 0 || first > room) {
      throw new TokenizerException(
          "The text that is not to be cut leaves no room: maxTokens="
              + maxTokens
              + ", first="
              + content[0]
              + ", second="
              + content[1]
              + ", truncation="
              + truncation);
    }
    int[] keep = {first, Math.min(content[1], room - first)};
    int[] seen = new int[2];
    int[] kept = new int[size - content[0] - content[1] + keep[0] + keep[1]];
    int count = 0;
    for (int k = 0; k < size; k++) {
      boolean stays = true;
      if (raw.special()[k] == 0) {
        int text = sequence(raw, k);
        int position = seen[text]++;
        stays = cutsLeft ? position >= content[text] - keep[text] : position < keep[text];
      }
      if (stays) {
        kept[count++] = k;
      }
    }
    return kept;
  }

  private static int sequence(NativeTokenizer.Raw raw, int token) {
    return raw.sequences()[token] == 1 ? 1 : 0;
  }

  private static Encoding encoding(
      NativeTokenizer.Raw raw, int[] kept, CharIndex first, CharIndex second) {
    int size = kept.length;
    int[] ids = new int[size];
    int[] typeIds = new int[size];
    int[] sequences = new int[size];
    int[] words = new int[size];
    int[] starts = new int[size];
    int[] ends = new int[size];
    boolean[] special = new boolean[size];
    for (int k = 0; k < size; k++) {
      int token = kept[k];
      ids[k] = (int) raw.ids()[token];
      typeIds[k] = (int) raw.typeIds()[token];
      special[k] = raw.special()[token] != 0;
      sequences[k] = special[k] ? -1 : sequence(raw, token);
      words[k] = special[k] ? -1 : (int) raw.words()[token];
      CharSpan span = raw.spans()[token];
      if (span != null && !special[k]) {
        CharIndex text = sequences[k] == 1 ? second : first;
        starts[k] = text.ofCodePoint(span.getStart());
        ends[k] = text.ofCodePoint(span.getEnd());
      }
    }
    int cut = raw.ids().length - size;
    return new Encoding(ids, typeIds, sequences, words, starts, ends, special, cut);
  }

  /** The text with U+FFFD for half surrogate pairs, which are no characters: same length. */
  private String wellFormed(String text) {
    if (text.length() > maxTextChars) {
      throw new TokenizerException(
          "Text too long: chars=" + text.length() + ", limit=" + maxTextChars + "; split it");
    }
    char[] repaired = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
        continue;
      }
      repaired = repaired == null ? text.toCharArray() : repaired;
      repaired[i] = '\ufffd';
    }
    return repaired == null ? text : new String(repaired);
  }
}
