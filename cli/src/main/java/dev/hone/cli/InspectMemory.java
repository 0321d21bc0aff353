package dev.hone.cli;

import dev.hone.measure.Units;
import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.Engine;
import dev.hone.runtime.SparseProducts;
import dev.hone.runtime.generate.TextGeneratorOptions;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a model takes in memory once it is ready to run.
 *
 * @param kernels the tier that its weights are packed for
 * @param fileBytes of the files, which are mapped: of them stays in memory what is read there
 * @param convertedBytes of what could not be used as the file has it
 * @param packedBytes of the copies that kernels read
 * @param residentBytes by which the process grew; null where the system does not say
 * @param sparseProducts what was measured of layers with many zeros
 */
record InspectMemory(
    String kernels,
    long fileBytes,
    long convertedBytes,
    long packedBytes,
    Long residentBytes,
    List<SparseProducts> sparseProducts) {

  /** Loads a model as commands that run it do. */
  static InspectMemory of(Path path, ComputeOptions compute, Terminal terminal) {
    try (var pool = new ComputePool(compute.threads())) {
      Kernels kernels = compute.tier(terminal).create(pool);
      Optional<Long> before = resident();
      try (Model model = Model.load(path);
          Engine engine = Engine.measured(model.transformer(), kernels, activations(model))) {
        long converted = model.sizeBytes() - model.weightFileBytes();
        Optional<Long> grown = before.flatMap(b -> resident().map(after -> after - b));
        return new InspectMemory(
            kernels.name(),
            model.weightFileBytes(),
            converted,
            engine.sizeBytes(),
            grown.orElse(null),
            engine.sparseProducts());
      }
    }
  }

  private static ActivationType activations(Model model) {
    return model.transformer().head() instanceof Head.NextToken
        ? TextGeneratorOptions.defaults().activations()
        : ActivationType.F32;
  }

  String text() {
    return "ready to run on "
        + kernels
        + " kernels: files "
        + Units.bytes(fileBytes)
        + " (mapped), converted "
        + Units.bytes(convertedBytes)
        + ", packed "
        + Units.bytes(packedBytes)
        + (residentBytes == null ? "" : "; resident " + Units.bytes(residentBytes) + " more")
        + sparseProducts.stream().map(p -> "\n" + p.text()).collect(Collectors.joining());
  }

  /** Memory of this process that is not on disk alone, as Linux counts it. */
  private static Optional<Long> resident() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst();
    } catch (NoSuchFileException e) {
      return Optional.empty(); // another system
    } catch (IOException e) {
      throw new IllegalStateException("/proc/self/status cannot be read", e);
    }
  }
}
