extension RecordedRun {
  /// The frames of its maps; 1 for a picture.
  public var frames: Int { arrays.values.map { $0.site.frames ?? 1 }.max() ?? 1 }
}
