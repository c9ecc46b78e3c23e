/// Records attention in a given picture, with the noise that a run has at chosen timesteps.
public struct PictureExplanation: Method {
  public let name = "explain"
  public let title = "Explained picture"
  public let summary = "Records attention in a given picture; no picture is made."
  /// Training times, 0…999 in Stable Diffusion.
  public var times: [Int]

  /// Shows the request's start picture to the model at `times`; a run needs at least one.
  public init(times: [Int] = []) { self.times = times }

  public static let knobs: [Knob<PictureExplanation>] = [
    Knob(
      "timesteps", "Training timesteps at which the picture is shown to the model.",
      placeholder: "list",
      expected: "training times, as in 261,501",
      write: { $0.times.map(String.init).joined(separator: ",") },
      read: { method, text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        method.times = parts.compactMap { Int($0) }
        return method.times.count == parts.count || text.isEmpty
      })
  ]

  public func resolved(for run: PlannedRun) throws -> Self {
    Self(times: try run.model.checkpoint.validTimes(times))
  }
}
