/// What a recording must survive.
public enum Durability: String, Sendable, CaseIterable {
  /// The death of the process at any moment.
  case process
  /// A power cut: files, folders and journal are forced to the disk in that order, call by call.
  case power
}
