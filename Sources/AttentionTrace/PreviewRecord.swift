/// Which predicted pictures a run keeps, and what decodes them.
public struct PreviewRecord: Hashable, Sendable, Codable {
  /// SHA-256 of each file of the tiny autoencoder that decodes them, by its name; `nil` for the checkpoint's own
  /// autoencoder.
  public var files: [String: String]?
  /// The iterations whose pictures are kept, from 0, ascending; `nil` for all.
  public var steps: [Int]?

  /// Previews by what decodes them and their iterations.
  public init(files: [String: String]?, steps: [Int]?) {
    (self.files, self.steps) = (files, steps)
  }

  /// Four of them at most, from the first to the last: what a figure shows of them unless told otherwise.
  package static func spread(_ steps: [Int]) -> [Int] {
    guard steps.count > 4 else { return steps }
    return (0..<4).map { steps[($0 * (steps.count - 1) + 1) / 3] }
  }
}

extension RunManifest {
  /// The longer side of a predicted picture, in pixels, unless the run's picture is smaller.
  private static let previewSide = 256

  /// Width and height of the run's predicted pictures.
  package var previewSize: (width: Int, height: Int) {
    Self.previewSize(width: width, height: height)
  }

  /// Those of a run's whose picture is so large.
  package static func previewSize(width: Int, height: Int) -> (width: Int, height: Int) {
    let longer = max(width, height)
    guard longer > previewSide else { return (width, height) }
    return (max(1, width * previewSide / longer), max(1, height * previewSide / longer))
  }

  /// The iterations whose predicted pictures the run keeps, ascending; none unless it was asked for.
  public var previewedSteps: [Int] {
    guard let previews = request.previews else { return [] }
    return previews.steps ?? Array(timesteps.indices)
  }
}
