/// The version of Heed that runs, sheets and exports name.
public enum HeedVersion {
  /// As in `0.1.0`.
  public static let current = "0.1.0"
}
