package import TensorEngine

// Unsafe: a tensor's memory is written at addresses; each sample has its place in it.

extension Picture {
  /// The samples by channel, `[channel, row, column]`, times `scale`, less `mean`, over `deviation`.
  ///
  /// The product is of float64 and rounded to float32, the rest is of float32: what transformers'
  /// processors make of 8-bit samples, to the bit.
  ///
  /// - Reference: transformers `image_transforms.py`, `rescale` and `normalize`.
  package func planes(scale: Double, mean: [Double], deviation: [Double]) -> Tensor {
    let plane = width * height
    return unsafe Tensor(shape: [3, height, width]) { target in
      for channel in 0..<3 {
        // Each of 256 samples has one value.
        let values = (0..<256).map { sample in
          (Float(Double(sample) * scale) - Float(mean[channel])) / Float(deviation[channel])
        }
        for pixel in 0..<plane {
          unsafe target[channel * plane + pixel] = values[Int(pixels[3 * pixel + channel])]
        }
      }
    }
  }
}

extension Picture {
  /// The picture that an autoencoder decodes, `[1, 3, row, column]` in -1…1; values beyond are clamped.
  ///
  /// - Reference: diffusers `image_processor.py`, `denormalize` and `numpy_to_pil`.
  package init(decoded image: Tensor) {
    let (height, width) = (image.shape[2], image.shape[3])
    let plane = height * width
    let pixels = image.withSpan { values in
      unsafe [UInt8](unsafeUninitializedCapacity: 3 * plane) { bytes, count in
        for pixel in 0..<plane {
          for channel in 0..<3 {
            let level = values[channel * plane + pixel] / 2 + 0.5
            let clamped = level > 0 ? min(level, 1) : 0
            unsafe bytes[3 * pixel + channel] = UInt8((clamped * 255).rounded(.toNearestOrEven))
          }
        }
        count = 3 * plane
      }
    }
    self.init(width: width, height: height, pixels: pixels)
  }
}
