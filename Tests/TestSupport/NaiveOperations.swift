internal import Glibc
package import TensorEngine

// The plain meaning of each operation, in double precision, one number after the other: what the
// engine's results and gradients are checked against.

extension Operation {
  /// The operation by its definition.
  package func naive(_ inputs: [NaiveTensor]) -> NaiveTensor {
    let x = inputs[0]
    switch self {
    case .linear(let weight, let bias): return naiveLinear(x, weight, bias)
    case .convolution(let weight, let bias, let stride, let padding):
      return naiveConvolution(
        x, NaiveTensor(weight.values.map(Double.init), shape: weight.shape), bias, stride, padding)
    case .groupNorm(let gamma, let beta, let groups, let epsilon, let silu):
      return naiveGroupNorm(x, gamma, beta, groups, Double(epsilon), silu)
    case .layerNorm(let gamma, let beta, let epsilon):
      return naiveLayerNorm(x, gamma, beta, Double(epsilon))
    case .activation(let activation): return x.map(activation.naive)
    case .gatedGelu: return naiveGatedGelu(x)
    case .scores(let heads, let scale): return naiveScores(x, inputs[1], heads, Double(scale))
    case .softmax(let scale): return naiveSoftmax(x, Double(scale))
    case .weightedValues(let heads): return naiveWeightedValues(x, inputs[1], heads)
    case .attention(let heads, let scale, let causal):
      var scores = naiveScores(x, inputs[1], heads, Double(scale))
      if causal {
        scores = NaiveTensor(shape: scores.shape) { $0[3] > $0[2] ? -.infinity : scores[$0] }
      }
      return naiveWeightedValues(naiveSoftmax(scores, 1), inputs[2], heads)
    case .add: return x.repeatedly(inputs[1], +)
    case .addToChannels:
      return NaiveTensor(shape: x.shape) { x[$0] + inputs[1][Array($0.prefix(2))] }
    case .multiply: return x.repeatedly(inputs[1], *)
    case .divide: return x.repeatedly(inputs[1], /)
    case .affine(let scale, let offset): return x.map { Double(scale) * $0 + Double(offset) }
    case .meanOverFirstAxis:
      return NaiveTensor(shape: Array(x.shape.dropFirst())) { place in
        (0..<x.shape[0]).reduce(0) { $0 + x[[$1] + place] } / Double(x.shape[0])
      }
    case .sum: return NaiveTensor([x.values.reduce(0, +)], shape: [])
    case .maximum: return NaiveTensor([x.values.reduce(-.infinity, Swift.max)], shape: [])
    case .reshape(let shape): return NaiveTensor(x.values, shape: shape)
    case .transpose:
      return NaiveTensor(shape: x.shape.dropLast(2) + x.shape.suffix(2).reversed()) {
        x[$0.dropLast(2) + $0.suffix(2).reversed()]
      }
    case .concatenate(let axis): return naiveConcatenate(inputs, axis)
    case .slice(let axis, let range):
      return x.resampled(axis: axis, range.map { $0 })
    case .upsampleNearest(let rows, let columns):
      return x.resampled(axis: 2, (0..<rows).map { $0 * x.shape[2] / rows })
        .resampled(axis: 3, (0..<columns).map { $0 * x.shape[3] / columns })
    case .reflectPad(let width):
      return x.resampled(axis: x.shape.count - 2, mirrored(x.shape[x.shape.count - 2], width))
        .resampled(axis: x.shape.count - 1, mirrored(x.shape[x.shape.count - 1], width))
    }
  }
}

extension NaiveTensor {
  func map(_ transform: (Double) -> Double) -> NaiveTensor {
    NaiveTensor(values.map(transform), shape: shape)
  }

  /// Combines each number with the one of `other`, repeated over the leading axes it lacks.
  func repeatedly(_ other: NaiveTensor, _ combine: (Double, Double) -> Double) -> NaiveTensor {
    NaiveTensor(shape: shape) { combine(self[$0], other[Array($0.suffix(other.shape.count))]) }
  }

  /// Takes index `sources[i]` of `axis` for its index i.
  func resampled(axis: Int, _ sources: [Int]) -> NaiveTensor {
    var target = shape
    target[axis] = sources.count
    return NaiveTensor(shape: target) { place in
      var source = place
      source[axis] = sources[place[axis]]
      return self[source]
    }
  }
}

/// `edge, 1, 0, 1, …, n - 1, n - 2, …`: where reflection takes each index of a padded axis from.
private func mirrored(_ length: Int, _ width: Int) -> [Int] {
  Array((1...width).reversed()) + Array(0..<length) + (1...width).map { length - 1 - $0 }
}

// MARK: - Layers

private func naiveLinear(_ x: NaiveTensor, _ weight: Weight, _ bias: Tensor?) -> NaiveTensor {
  let (w, b) = (weight.values.map(Double.init), bias?.values.map(Double.init))
  let (columns, inner) = (weight.shape[0], weight.shape[1])
  let values = x.mapRows { row in
    (0..<columns).map { column in
      var sum = b?[column] ?? 0
      for i in 0..<inner { sum += row[row.startIndex + i] * w[column * inner + i] }
      return sum
    }
  }
  return NaiveTensor(values, shape: x.shape.dropLast() + [columns])
}

private func naiveConvolution(
  _ x: NaiveTensor, _ weight: NaiveTensor, _ bias: Tensor?, _ stride: Int, _ padding: Padding
) -> NaiveTensor {
  let (channels, rows, columns) = (x.shape[1], x.shape[2], x.shape[3])
  let (high, wide) = (weight.shape[2], weight.shape[3])
  let shape = [
    x.shape[0], weight.shape[0], (rows + padding.top + padding.bottom - high) / stride + 1,
    (columns + padding.left + padding.right - wide) / stride + 1,
  ]
  let offsets = bias?.values.map(Double.init)
  return NaiveTensor(shape: shape) { place in
    var sum = offsets?[place[1]] ?? 0
    for channel in 0..<channels {
      for ky in 0..<high {
        for kx in 0..<wide {
          let row = place[2] * stride + ky - padding.top
          let column = place[3] * stride + kx - padding.left
          guard row >= 0, row < rows, column >= 0, column < columns else { continue }
          sum +=
            x.values[((place[0] * channels + channel) * rows + row) * columns + column]
            * weight.values[((place[1] * channels + channel) * high + ky) * wide + kx]
        }
      }
    }
    return sum
  }
}

private func normalized(_ row: some Collection<Double>, _ epsilon: Double) -> [Double] {
  let mean = row.reduce(0, +) / Double(row.count)
  let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
  return row.map { ($0 - mean) / (variance + epsilon).squareRoot() }
}

private func naiveGroupNorm(
  _ x: NaiveTensor, _ gamma: Tensor, _ beta: Tensor, _ groups: Int, _ epsilon: Double, _ silu: Bool
) -> NaiveTensor {
  let size = x.values.count / (x.shape[0] * groups)
  let plane = x.shape[2...].reduce(1, *)
  let (scale, offset) = (gamma.values.map(Double.init), beta.values.map(Double.init))
  var values = stride(from: 0, to: x.values.count, by: size).flatMap {
    normalized(x.values[$0..<$0 + size], epsilon)
  }
  for index in values.indices {
    let channel = index / plane % x.shape[1]
    values[index] = values[index] * scale[channel] + offset[channel]
    if silu { values[index] = Activation.silu.naive(values[index]) }
  }
  return NaiveTensor(values, shape: x.shape)
}

private func naiveLayerNorm(
  _ x: NaiveTensor, _ gamma: Tensor, _ beta: Tensor, _ epsilon: Double
) -> NaiveTensor {
  let (scale, offset) = (gamma.values.map(Double.init), beta.values.map(Double.init))
  let values = x.mapRows { row in
    zip(normalized(row, epsilon), zip(scale, offset)).map { $0 * $1.0 + $1.1 }
  }
  return NaiveTensor(values, shape: x.shape)
}

extension Activation {
  /// The function by its definition.
  package func naive(_ x: Double) -> Double {
    switch self {
    case .silu: x / (1 + exp(-x))
    case .gelu: 0.5 * x * erfc(-x / 2.0.squareRoot())
    case .quickGelu: x / (1 + exp(-1.702 * x))
    case .relu: Swift.max(0, x)
    case .exponential: exp(x)
    case .logarithm: log(x)
    }
  }
}

private func naiveGatedGelu(_ x: NaiveTensor) -> NaiveTensor {
  let width = x.shape[x.shape.count - 1] / 2
  let values = x.mapRows { row in
    zip(row.prefix(width), row.suffix(width)).map { $0 * Activation.gelu.naive($1) }
  }
  return NaiveTensor(values, shape: x.shape.dropLast() + [width])
}

// MARK: - Attention

private func naiveScores(
  _ q: NaiveTensor, _ k: NaiveTensor, _ heads: Int, _ scale: Double
) -> NaiveTensor {
  let (width, headWidth) = (q.shape[2], q.shape[2] / heads)
  return NaiveTensor(shape: [q.shape[0], heads, q.shape[1], k.shape[1]]) { place in
    let left = (place[0] * q.shape[1] + place[2]) * width + place[1] * headWidth
    let right = (place[0] * k.shape[1] + place[3]) * width + place[1] * headWidth
    var sum = 0.0
    for i in 0..<headWidth { sum += q.values[left + i] * k.values[right + i] }
    return scale * sum
  }
}

private func naiveSoftmax(_ x: NaiveTensor, _ scale: Double) -> NaiveTensor {
  let values = x.mapRows { row in
    let top = row.reduce(-.infinity, Swift.max)
    let exponentials = row.map { exp(scale * ($0 - top)) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }
  return NaiveTensor(values, shape: x.shape)
}

private func naiveWeightedValues(
  _ p: NaiveTensor, _ v: NaiveTensor, _ heads: Int
) -> NaiveTensor {
  let (queries, keys, width) = (p.shape[2], p.shape[3], v.shape[2])
  return NaiveTensor(shape: [p.shape[0], queries, width]) { place in
    let head = place[2] / (width / heads)
    let row = ((place[0] * heads + head) * queries + place[1]) * keys
    var sum = 0.0
    for key in 0..<keys {
      sum += p.values[row + key] * v.values[(place[0] * keys + key) * width + place[2]]
    }
    return sum
  }
}

// MARK: - Layout

private func naiveConcatenate(_ parts: [NaiveTensor], _ axis: Int) -> NaiveTensor {
  var shape = parts[0].shape
  shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
  return NaiveTensor(shape: shape) { place in
    var place = place
    for part in parts {
      if place[axis] < part.shape[axis] { return part[place] }
      place[axis] -= part.shape[axis]
    }
    preconditionFailure("beyond the last part")
  }
}
