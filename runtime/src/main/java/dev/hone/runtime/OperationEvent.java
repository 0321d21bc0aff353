package dev.hone.runtime;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** An {@link Operation} in a flight recording. {@link OperationRecorder} makes them. */
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

  @Label("Arithmetic")
  @Description("What it multiplied: f32, bf16 or int8")
  String arithmetic;
}
