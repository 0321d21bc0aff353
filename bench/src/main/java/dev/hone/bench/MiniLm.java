package dev.hone.bench;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Provenance;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** all-MiniLM-L6-v2 in the forms that are compared. */
final class MiniLm {
  private static final DType INT8 = new DType.Affine(8, 0, true);

  /** ONNX Runtime's dynamic int8, as it is published. */
  private static final String PUBLISHED_INT8 = "/all-minilm-l6-v2-q.onnx";

  private MiniLm() {}

  /** The folder as it is published. */
  static Path published() {
    return Hub.system().resolve("minilm", Progress.NONE);
  }

  /** A folder in {@code parent} with all matrices at 8 bits, whose products read their input so. */
  static Path int8(Input input, Path parent) throws IOException {
    List<Pass> passes = new ArrayList<>();
    passes.add(new Encode(INT8, LayerSelection.blocks()));
    passes.add(new Encode(INT8, LayerSelection.of(LayerKind.EMBEDDING)));
    if (!input.equals(Input.FLOAT)) {
      passes.add(new RoundInputs(input, LayerSelection.blocks()));
    }
    return write(
        new Recipe("int8-channel", passes), parent.resolve("minilm-int8-" + input.label()));
  }

  private static Path write(Recipe recipe, Path folder) throws IOException {
    try (Model original = Model.load(published());
        Arena arena = Arena.ofShared()) {
      var outcome = recipe.apply(original.transformer(), arena);
      var provenance = Provenance.of("minilm", recipe, outcome.changes());
      ModelWriter.write(original, outcome.model(), provenance, folder);
    }
    return folder;
  }

  /** A folder in {@code parent}: the blocks' matrices, and what they read, in BF16. */
  static Path bf16(Path parent) throws IOException {
    LayerSelection blocks = LayerSelection.blocks();
    Recipe recipe =
        Recipe.of("bf16", new Encode(Plain.BF16, blocks), new RoundInputs(Input.BF16, blocks));
    return write(recipe, parent.resolve("minilm-bf16"));
  }

  /** A file in {@code parent} with what ONNX Runtime's users run. */
  static Path onnxRuntimeInt8(Path parent) throws IOException {
    Path file = parent.resolve("model-int8.onnx");
    try (InputStream in = MiniLm.class.getResourceAsStream(PUBLISHED_INT8)) {
      if (in == null) {
        throw new IOException(PUBLISHED_INT8 + " is not on the class path");
      }
      Files.copy(in, file);
    }
    return file;
  }
}
