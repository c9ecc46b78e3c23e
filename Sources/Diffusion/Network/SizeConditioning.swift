/// The sizes that SDXL's UNet is told, in pixels.
///
/// - Reference: Podell et al., SDXL, ICLR 2024, arXiv 2307.01952, section 2.2; diffusers
///   `pipeline_stable_diffusion_xl.py`, `_get_add_time_ids`.
package struct SizeConditioning: Sendable, Equatable {
  /// The size of the picture that the training picture was made from: a small one asks for a blurred picture.
  package var original: ImageSize
  /// Where the crop of it began: other than 0 asks for a picture that is cut off there.
  package var crop: CropCorner
  /// The picture's own size.
  package var target: ImageSize

  /// How many numbers it is.
  static let count = 6

  /// The numbers in diffusers' order: rows before columns.
  var numbers: [Float] {
    [original.height, original.width, crop.top, crop.left, target.height, target.width].map(
      Float.init)
  }
}
