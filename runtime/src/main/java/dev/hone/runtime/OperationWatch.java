package dev.hone.runtime;

/** Told of every operation of a model, on the thread that runs it. */
public interface OperationWatch {
  /** One begins. */
  void begin();

  /** The one that began last has ended. */
  void end();

  /** What it was that ended: counted afterwards, so that its time is its own. */
  void tell(Operation operation);

  /**
   * A watch for one of some threads that run beside each other, each with sequences of its own.
   * Asked for before they start; they may tell at the same time.
   */
  OperationWatch beside(int threads);
}
