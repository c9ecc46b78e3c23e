/// placeholder of the skeleton
public final class Tape: Sendable {
  /// Where a value stands on a tape.
  public struct Place: Sendable {}
}
