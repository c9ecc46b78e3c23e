package import Pictures
package import TensorEngine

extension Picture {
  /// The picture as the autoencoder takes it, `[1, 3, row, column]` in -1…1.
  ///
  /// - Reference: diffusers `image_processor.py`, `pil_to_numpy` and `normalize`.
  package var tensor: Tensor {
    let plane = width * height
    return unsafe Tensor(shape: [1, 3, height, width]) { target in
      for pixel in 0..<plane {
        for channel in 0..<3 {
          unsafe target[channel * plane + pixel] =
            2 * (Float(pixels[3 * pixel + channel]) / 255) - 1
        }
      }
    }
  }
}
