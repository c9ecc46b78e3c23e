import ArgumentParser
internal import AttentionAnalysis
internal import AttentionTrace

/// A detector's boxes in pictures.
struct BoxOptions: ParsableArguments {
  @Flag(
    help: """
      Draw in the pictures where a detector sees each subject best, with its score; dashed where that is too \
      low to count as found.
      """)
  var boxes = false

  @Option(
    help: ArgumentHelp(
      """
      The OWL-ViT or OWLv2 of --boxes. (default: the scores of the benchmark that the runs lie in, or the small \
      detector that comes with Heed)
      """, valueName: "folder"))
  var owl: String?

  func validate() throws {
    if owl != nil && !boxes { throw ValidationError("--owl is the detector of --boxes.") }
  }

  /// What the detector says of the pictures of runs; `nil` without `--boxes`.
  func detections(of runs: [RecordedRun]) throws -> RunDetections? {
    guard boxes else { return nil }
    let detections = try Detector.detections(of: runs, owl: owl)
    let missing = runs.filter { detections.finding(of: $0) == .notScored }
    if let first = missing.first {
      let more = missing.count > 1 ? " and \(missing.count - 1) more" : ""
      Message.warning(
        "no boxes in \(missing.count) \(missing.count == 1 ? "picture" : "pictures") without a score of the "
          + "detector (heed benchmark score makes it): \(first.folder.path)\(more)")
    }
    return detections
  }
}
