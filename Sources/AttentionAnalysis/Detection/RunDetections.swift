public import AttentionTrace
internal import PromptText

/// What a detector says of the pictures of runs.
public struct RunDetections: Hashable, Sendable {
  /// What there is of a run.
  public enum Finding: Hashable, Sendable {
    /// The best box of each word that it was asked about, each word once.
    case seen([SubjectDetection])
    /// The run is not complete, or its picture is not there.
    case noPicture
    /// The run has no subject with a word that a detector can be asked about.
    case noSubjects
    /// The run lies in a benchmark that has the detector's scores, and none of this run.
    case notScored
  }

  /// A run.
  struct Entry: Hashable, Sendable {
    /// What tells the prompt from others: its `id` in the suite of a benchmark, otherwise its text.
    let prompt: String
    let finding: Finding
  }

  /// The detector and its threshold, for people.
  public let detector: String
  /// By the run's folder.
  private var entries: [String: Entry] = [:]

  /// What `detector` says of no run yet.
  public init(detector: String) { self.detector = detector }

  /// Adds what there is of a run.
  /// - Parameter prompt: what tells its prompt from others; `nil` for its text.
  public mutating func add(_ finding: Finding, of run: RecordedRun, prompt: String? = nil) {
    entries[run.folder.path] = Entry(
      prompt: prompt ?? run.manifest.tokens.prompt, finding: finding)
  }

  /// What there is of a run; `nil` for one that was not added.
  public func finding(of run: RecordedRun) -> Finding? { entries[run.folder.path]?.finding }

  /// The boxes in a run's picture; none where there is no finding.
  package func boxes(of run: RecordedRun) -> [SubjectDetection] {
    if case .seen(let detections)? = finding(of: run) { detections } else { [] }
  }

  /// What tells a run's prompt from others.
  func prompt(of run: RecordedRun) -> String {
    entries[run.folder.path]?.prompt ?? run.manifest.tokens.prompt
  }
}
