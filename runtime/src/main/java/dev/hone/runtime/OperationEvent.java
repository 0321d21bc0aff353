package dev.hone.runtime;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * An {@link Operation} in a flight recording. Where none runs, there is no trace of it: {@link
 * Engine} asks once a batch.
 */
@Name("dev.hone.Operation")
@Label("Operation")
@Category("Hone")
@Description("An operation of a model, and what it asked of the machine")
@StackTrace(false)
final class OperationEvent extends Event {
  @Label("Kind")
  String kind;

  @Label("Weights")
  @Description("Type of the weights")
  String weights;

  @Label("Layer")
  @Description("Name of the weights in the checkpoint")
  String layer;

  @Label("Rows")
  @Description("Tokens, or sequences, that it answered for")
  long rows;

  @Label("Operations")
  long operations;

  @Label("Bytes")
  @DataAmount
  long bytes;

  @Label("Integers")
  @Description("Whether it multiplied integers")
  boolean integers;

  /** Whether a recording that wants such events runs. */
  static boolean wanted() {
    return new OperationEvent().isEnabled();
  }

  /** Puts operations into the recordings that run. */
  static final class Recorder implements OperationWatch {
    private OperationEvent event;

    @Override
    public void begin() {
      event = new OperationEvent();
      event.begin();
    }

    @Override
    public void end() {
      event.end();
    }

    @Override
    public void tell(Operation operation) {
      if (event.shouldCommit()) {
        event.kind = operation.kind().label();
        event.weights = operation.weights();
        event.layer = operation.layer();
        event.rows = operation.rows();
        event.operations = operation.operations();
        event.bytes = operation.bytes();
        event.integers = operation.integers();
        event.commit();
      }
    }
  }
}
