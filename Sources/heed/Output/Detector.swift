import AttentionAnalysis
import AttentionTrace
import Evaluation

/// What a detector says of the pictures of runs, and how far it is with them.
enum Detector {
  /// Looks up the scores of the runs' benchmark, or asks the detector.
  /// - Parameter owl: the detector's folder; `nil` for the scores, or the detector that comes with Heed.
  static func detections(of runs: [RecordedRun], owl: String?) throws -> RunDetections {
    var progress: Progress?
    let detections = try DetectionSource(owl: owl).detections(of: runs) { done, all in
      let shown = progress ?? Progress(total: all)
      progress = shown
      shown.advance(done, "owl, pictures")
    }
    if !detections.detector.isEmpty {
      Message.note(
        progress == nil
          ? "detector: \(detections.detector), by the benchmark's scores"
          : "detector: \(detections.detector)")
    }
    return detections
  }
}
