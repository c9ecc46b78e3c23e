internal import TensorEngine

/// Published networks whose configurations come with Heed, to be run with random weights.
package enum ModelShapes: String, Sendable, CaseIterable {
  /// Stable Diffusion 1.1 to 1.5, as in CompVis/stable-diffusion-v1-4.
  case sd14
  /// Stable Diffusion 2.x at 512 pixels, as in stabilityai/stable-diffusion-2-1-base.
  case sd21
  /// Stable Diffusion XL, as in stabilityai/stable-diffusion-xl-base-1.0.
  case sdxl
  /// The model that comes with Heed.
  case menagerie

  /// The configurations alone, under these weights.
  /// - Throws: as ``Checkpoint/init(_:)``.
  package func checkpoint(_ weights: RandomWeights) throws -> Checkpoint {
    var checkpoint = try Checkpoint(folder)
    checkpoint.randomWeights = weights
    return checkpoint
  }

  private var folder: String {
    guard self != .menagerie else { return Checkpoint.menagerie }
    return ResourceFolder.diffusion.path + "/Shapes/" + rawValue
  }
}
