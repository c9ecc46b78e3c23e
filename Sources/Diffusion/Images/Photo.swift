package import TensorEngine

/// A picture of 8-bit RGB pixels that a model is to look at.
public struct Photo: Hashable, Sendable {
  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int
  /// `[row, column, red | green | blue]` the samples, 0…255.
  public let pixels: [UInt8]

  /// Makes a picture of its samples.
  /// - Precondition: `pixels` has `height` × `width` × 3 samples, and there is at least one pixel.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    guard width > 0 && height > 0 && pixels.count == width * height * 3 else {
      bug("\(pixels.count) samples for \(width) × \(height) pixels of 3")
    }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// The picture at another size, as Pillow's `resize` with LANCZOS.
  func resized(width newWidth: Int, height newHeight: Int) -> Photo {
    Photo(
      width: newWidth, height: newHeight,
      pixels: PillowResampling.resized(
        pixels, from: (width, height), to: (newWidth, newHeight), by: .lanczos))
  }

  /// The picture as the autoencoder takes it, `[1, 3, row, column]` in -1…1.
  ///
  /// - Reference: diffusers `image_processor.py`, `pil_to_numpy` and `normalize`.
  package var tensor: Tensor {
    let plane = width * height
    return Tensor(shape: [1, 3, height, width]) { target in
      for pixel in 0..<plane {
        for channel in 0..<3 {
          target[channel * plane + pixel] = 2 * (Float(pixels[3 * pixel + channel]) / 255) - 1
        }
      }
    }
  }
}
