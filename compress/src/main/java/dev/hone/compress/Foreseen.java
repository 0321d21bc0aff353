package dev.hone.compress;

import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.compressed.CompressedTensors;
import dev.hone.model.format.gguf.GgufType;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * What a recipe makes of a model, as far as that can be told before it runs: the type of every
 * matrix, and how its layer reads its input. One pass after the other is asked what it would do
 * ({@link Pass#foresee}). Layers that a pass takes away count as staying: which ones go is found
 * out later.
 */
public final class Foreseen {
  /** A grid whose columns have factors: of which numbers is found out later. */
  public static final StaticInt8 BALANCED_GRID = new StaticInt8(1, 0, ColumnFactors.of(1f));

  /** A grid without. */
  public static final StaticInt8 GRID = new StaticInt8(1, 0);

  private final Transformer model;
  private final boolean texts;
  private final Map<String, Layer> layers = new LinkedHashMap<>();
  private String now = "";
  private String narrowedBy = ""; // what changed widths; empty: nothing

  private Foreseen(Transformer model, boolean texts) {
    this.model = model;
    this.texts = texts;
  }

  /**
   * What is foreseen of a matrix.
   *
   * @param name of the weight
   * @param rows as they are before any pass
   * @param cols likewise
   * @param input how products read their input; an embedding has none
   * @param reordered whether its columns stand in another order (GPTQ's desc_act)
   * @param by the last pass that changed it, as messages begin with it
   */
  public record Layer(
      Role role,
      String name,
      long rows,
      long cols,
      DType type,
      Input input,
      boolean reordered,
      String by) {

    private static Layer of(Role role, Weight weight, Input input) {
      var matrix = weight.tensor();
      boolean reordered = matrix.columnOrder() != null;
      return new Layer(
          role, weight.name(), matrix.rows(), matrix.cols(), matrix.dtype(), input, reordered, "");
    }

    /** Whether it is looked up, not multiplied with. */
    public boolean isTable() {
      return LayerKind.of(role) == LayerKind.EMBEDDING;
    }

    /**
     * The same stored in another type.
     *
     * @throws RecipeException where such a matrix is not multiplied with what the layer reads
     */
    public Layer encoded(DType to) {
      if (to.equals(type)) {
        return this;
      }
      boolean multiplied =
          switch (input) {
            // Products with other types read floats that were rounded.
            case StaticInt8 _ -> to instanceof Affine affine && affine.bytesByRow();
            case Input.Kind kind ->
                switch (to) {
                  case Affine _ -> true;
                  case DType.Block _ -> kind == Input.Kind.BLOCK_INT8;
                  case Plain plain -> plain == Plain.BF16 && kind == Input.Kind.BF16;
                };
          };
      if (!multiplied && !input.equals(Input.FLOAT)) {
        throw new RecipeException(
            name
                + " reads "
                + input.label()
                + ", which "
                + to.label()
                + " is not multiplied with: encode it as int8-channel"
                + (input instanceof StaticInt8
                    ? ", or leave the grid away"
                    : ", or put 'input: float' for it before encode"));
      }
      return new Layer(role, name, rows, cols, to, input, false, by);
    }

    /**
     * The same reading its input in another way.
     *
     * @throws RecipeException where its weights are divided by what its grid's columns have
     */
    public Layer reading(Input other) {
      if (input instanceof StaticInt8 grid && !grid.factors().none()) {
        throw new RecipeException(
            name
                + " reads "
                + grid.label()
                + " already and is divided by its columns' factors: it reads nothing else; leave"
                + " one of the two away, or take the model that it was made from");
      }
      return new Layer(role, name, rows, cols, type, other, reordered, by);
    }

    /**
     * The same, after a check that its weights are no integers yet.
     *
     * @param remedy ends the sentence
     * @throws RecipeException where they are
     */
    public Layer ofFloats(String remedy) {
      if (!(type instanceof Plain)) {
        throw new RecipeException(name + " is " + type.label() + " already: " + remedy);
      }
      return this;
    }

    private Layer by(String pass) {
      return new Layer(role, name, rows, cols, type, input, reordered, pass);
    }
  }

  /**
   * A model as it is, before any pass.
   *
   * @param texts whether there are some to calibrate with
   */
  public static Foreseen of(Transformer model, boolean texts) {
    var foreseen = new Foreseen(model, texts);
    model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            foreseen.put(Layer.of(role, layer.weight(), layer.input()));
            return layer;
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            foreseen.put(Layer.of(role, table.weight(), Input.FLOAT));
            return table;
          }
        });
    return foreseen;
  }

  private void put(Layer layer) {
    layers.put(layer.name, layer);
  }

  /**
   * Takes in what a pass would do.
   *
   * @param index of the pass in its recipe
   * @throws RecipeException where it cannot work
   */
  void take(int index, Pass pass) {
    now = "passes[" + index + "] " + pass.name() + ": ";
    try {
      pass.layers().required(model);
      pass.foresee(this);
    } catch (RecipeException e) {
      throw new RecipeException(now + e.getMessage(), e);
    }
  }

  /** The model before any pass: what its layers are, and how they hang together. */
  public Transformer model() {
    return model;
  }

  /** What is foreseen of a layer. */
  public Layer layer(Linear layer) {
    return layers.get(layer.weight().name());
  }

  /** What is foreseen of all that are chosen. */
  public List<Layer> chosen(LayerSelection selection) {
    return layers.values().stream()
        .filter(layer -> selection.chooses(layer.role, layer.name))
        .toList();
  }

  /** Changes all that are chosen. */
  public void change(LayerSelection selection, UnaryOperator<Layer> change) {
    for (Layer before : chosen(selection)) {
      Layer after = change.apply(before);
      put(after.equals(before) ? before : after.by(now));
    }
  }

  /** Whether matrices have as many rows and columns as the model's own. */
  public boolean keepsWidths() {
    return narrowedBy.isEmpty();
  }

  /** The pass that is asked leaves fewer rows and columns. */
  public void narrow() {
    narrowedBy = now;
  }

  /**
   * Makes sure that there are texts to look at.
   *
   * @param who asks, as recipes call it
   * @throws RecipeException where there are none
   */
  public void requireTexts(String who) {
    if (!texts) {
      throw new RecipeException(
          who
              + " is calibrated: it needs texts like those that the model will read (--calibration"
              + " FILE)");
    }
  }

  /**
   * Makes sure that what comes out can be written.
   *
   * @param gguf as a GGUF file, not as a folder of safetensors
   * @throws RecipeException where it cannot
   */
  public void requireWritable(boolean gguf) {
    if (gguf && !narrowedBy.isEmpty()) {
      throw new RecipeException(
          narrowedBy
              + "a GGUF file with layers of other widths is not written yet; remove heads and"
              + " neurons of a safetensors folder");
    }
    for (Layer layer : layers.values()) {
      if (gguf) {
        requireGguf(layer);
        continue;
      }
      try {
        CompressedTensors.require(layer.name, layer.type, layer.input, layer.reordered);
      } catch (FormatException e) {
        throw new RecipeException(layer.by + e.getMessage(), e);
      }
    }
  }

  private static void requireGguf(Layer layer) {
    if (GgufType.of(layer.type).isEmpty()) {
      throw new RecipeException(
          layer.by
              + layer.name
              + " is "
              + layer.type.label()
              + ", which a GGUF file has no such type for: encode it as q8_0 or q4_1, or leave it"
              + " f16");
    }
    if (!layer.input.equals(Input.FLOAT)) {
      throw new RecipeException(
          layer.by
              + layer.name
              + " reads its input as "
              + layer.input.label()
              + ", which a GGUF file cannot say; leave that out, and run it with --activations");
    }
  }
}
