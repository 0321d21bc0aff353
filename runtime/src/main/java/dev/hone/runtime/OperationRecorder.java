package dev.hone.runtime;

import jdk.jfr.FlightRecorder;

/** Puts operations into the flight recordings that run. */
final class OperationRecorder implements OperationWatch {
  private OperationEvent event;

  /**
   * Whether a recording that wants operations runs: asked once a batch. The event's class is not
   * touched before there was any recording, since the first one takes the JVM a tenth of a second.
   */
  static boolean wanted() {
    return FlightRecorder.isInitialized() && new OperationEvent().isEnabled();
  }

  @Override
  public OperationWatch beside(int threads) {
    return new OperationRecorder();
  }

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
      event.arithmetic = operation.arithmetic().label();
      event.commit();
    }
  }
}
