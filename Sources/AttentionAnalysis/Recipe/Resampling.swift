internal import AttentionTrace

// Unsafe: loops over arrays whose counts follow from the extents that are given.

/// How the cells of one axis are made of those of another: for each, the sources and their weights.
///
/// Cells are aligned by their edges, as torch's `interpolate(align_corners=False)` does; sources
/// beyond the edge are the edge.
struct Resampling {
  private let sources: [[(index: Int, weight: Float)]]

  init(_ kernel: Recipe.Interpolation, from: Int, to: Int) {
    let scale = Double(from) / Double(to)
    sources = (0..<to).map { place in
      let center = (Double(place) + 0.5) * scale - 0.5
      switch kernel {
      case .nearest: return [(min(Int((Double(place) + 0.5) * scale), from - 1), 1)]
      case .bilinear:
        let center = max(center, 0)
        let first = min(Int(center), from - 1)
        let share = Float(center - Double(first))
        return [(first, 1 - share), (min(first + 1, from - 1), share)]
      case .bicubic:
        let first = Int(center.rounded(.down))
        let share = center - Double(first)
        return (-1...2).map { offset in
          (
            min(max(first + offset, 0), from - 1),
            Float(Self.cubic(abs(Double(offset) - share)))
          )
        }
      }
    }
  }

  /// Keys's cubic convolution kernel with a = -0.75, as in torch.
  private static func cubic(_ distance: Double) -> Double {
    let a = -0.75
    if distance <= 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
    if distance < 2 { return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a }
    return 0
  }

  /// Resamples the middle axis of `[outer, from, inner]`.
  func callAsFunction(_ values: [Float], outer: Int, from: Int, inner: Int) -> [Float] {
    var result = [Float](repeating: 0, count: outer * sources.count * inner)
    unsafe values.withUnsafeBufferPointer { values in
      unsafe result.withUnsafeMutableBufferPointer { result in
        for block in 0..<outer {
          for (place, sources) in sources.enumerated() {
            let target = (block * self.sources.count + place) * inner
            for (index, weight) in sources {
              let source = (block * from + index) * inner
              for k in 0..<inner { unsafe result[target + k] += weight * values[source + k] }
            }
          }
        }
      }
    }
    return result
  }
}
