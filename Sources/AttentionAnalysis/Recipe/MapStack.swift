package import AttentionTrace
internal import Glibc

// Unsafe: rows of an array are worked on in place, each as long as there are tokens.

/// Maps on their way through a recipe: `[head, frame, row, column, token]`.
package struct MapStack {
  /// Which heads of the layer; one entry of no meaning once they are reduced.
  var heads: [Int]
  /// Which frames of a video; one entry of no meaning for a picture, and once they are reduced.
  var frames: [Int] = [0]
  package var grid: Grid
  var tokens: [Int]
  package var values: [Float]

  /// Numbers of one frame of one head.
  private var picture: Int { grid.pixels * tokens.count }
  /// Numbers of one head.
  private var plane: Int { frames.count * picture }

  // MARK: - Heads

  /// One map for each token: heads with their weights added up, or the largest of those whose weight
  /// is not 0.
  mutating func reduceHeads(_ reduction: Recipe.Reduction, weights: [Float]) {
    let size = plane
    var result = [Float](repeating: reduction == .max ? -.infinity : 0, count: size)
    for head in heads.indices {
      let (base, weight) = (head * size, weights[head])
      if weight == 0 { continue }
      if reduction == .max {
        for i in 0..<size { result[i] = Self.larger(result[i], values[base + i]) }
      } else {
        for i in 0..<size { result[i] += weight * values[base + i] }
      }
    }
    (heads, values) = ([0], result)
  }

  /// The larger of two numbers; NaN if either is.
  static func larger(_ a: Float, _ b: Float) -> Float { a > b || a.isNaN ? a : b }

  /// The maps of the head at `place` alone.
  func of(head place: Int) -> MapStack {
    var stack = self
    stack.heads = [heads[place]]
    stack.values = Array(values[place * plane..<(place + 1) * plane])
    return stack
  }

  // MARK: - Frames

  /// One map for each head and token: the frames at `places` put together.
  mutating func reduceFrames(_ reduction: Recipe.Reduction, places: [Int]) {
    var result: [Float] = []
    result.reserveCapacity(heads.count * picture)
    for head in heads.indices {
      for cell in 0..<picture {
        let numbers = places.map { values[head * plane + $0 * picture + cell] }
        if reduction == .max {
          result.append(numbers.reduce(-.infinity, Self.larger))
        } else {
          let sum = numbers.reduce(0.0) { $0 + Double($1) }
          result.append(Float(reduction == .mean ? sum / Double(numbers.count) : sum))
        }
      }
    }
    (frames, values) = ([0], result)
  }

  /// The maps of the frame at `place` alone; of one head.
  func of(frame place: Int) -> MapStack {
    var stack = self
    stack.frames = [frames[place]]
    stack.values = Array(values[place * picture..<(place + 1) * picture])
    return stack
  }

  // MARK: - Tokens

  /// Softmax of `scale` times the numbers over the tokens at `columns`; the others become 0.
  mutating func softmax(scale: Float, over columns: [Int]) {
    unsafe eachRow { row in
      var top = -Float.infinity
      for column in columns { top = unsafe max(top, row[column]) }
      let powers = columns.map { unsafe exp(Double(scale) * Double(row[$0] - top)) }
      let sum = powers.reduce(0, +)
      unsafe row.update(repeating: 0)
      for (column, power) in zip(columns, powers) { unsafe row[column] = Float(power / sum) }
    }
  }

  /// Divides by the sum over the tokens at `columns`; the others become 0.
  ///
  /// Where the sum is 0, so is every number.
  mutating func normalize(over columns: [Int]) {
    unsafe eachRow { row in
      let kept = columns.map { unsafe row[$0] }
      let sum = kept.reduce(0.0) { $0 + Double($1) }
      unsafe row.update(repeating: 0)
      for (column, value) in zip(columns, kept) {
        unsafe row[column] = sum == 0 ? 0 : Float(Double(value) / sum)
      }
    }
  }

  private mutating func eachRow(_ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let width = tokens.count
    unsafe values.withUnsafeMutableBufferPointer { values in
      for first in stride(from: 0, to: values.count, by: width) {
        unsafe body(UnsafeMutableBufferPointer(rebasing: values[first..<first + width]))
      }
    }
  }

  /// Keeps the tokens at `columns`.
  mutating func keep(_ columns: [Int]) {
    guard columns != Array(tokens.indices) else { return }
    let width = tokens.count
    var kept: [Float] = []
    kept.reserveCapacity(width == 0 ? 0 : values.count / width * columns.count)
    for first in stride(from: 0, to: values.count, by: width) {
      for column in columns { kept.append(values[first + column]) }
    }
    values = kept
    tokens = columns.map { tokens[$0] }
  }

  // MARK: - Cells

  /// Brings each map of each token to 0…1; a constant one becomes 0.
  mutating func minmax() {
    for map in 0..<heads.count * frames.count {
      for token in tokens.indices {
        let places = (0..<grid.pixels).map { map * picture + $0 * tokens.count + token }
        var (low, high) = (Float.infinity, -Float.infinity)
        for place in places { (low, high) = (min(low, values[place]), max(high, values[place])) }
        for place in places {
          values[place] = high > low ? (values[place] - low) / (high - low) : 0 * values[place]
        }
      }
    }
  }

  mutating func clamp() {
    for index in values.indices where values[index] < 0 { values[index] = 0 }
  }

  mutating func resize(_ kernel: Recipe.Interpolation, to size: Grid) {
    guard size != grid else { return }
    let rows = Resampling(kernel, from: grid.rows, to: size.rows)
    let columns = Resampling(kernel, from: grid.columns, to: size.columns)
    let maps = heads.count * frames.count
    let tall = rows(values, outer: maps, from: grid.rows, inner: grid.columns * tokens.count)
    values = columns(tall, outer: maps * size.rows, from: grid.columns, inner: tokens.count)
    grid = size
  }

  /// A Gaussian over `side` cells, the edges mirrored (the edge itself once); the grid has more than
  /// half of `side` rows and columns.
  mutating func smooth(side: Int, sigma: Float) {
    let reach = side / 2
    let bell = (-reach...reach).map { offset in
      exp(-Double(offset * offset) / (2 * Double(sigma) * Double(sigma)))
    }
    let sum = bell.reduce(0, +)
    let kernel = bell.map { Float($0 / sum) }
    let maps = heads.count * frames.count
    values = Self.convolve(
      values, kernel, outer: maps, length: grid.rows, inner: grid.columns * tokens.count)
    values = Self.convolve(
      values, kernel, outer: maps * grid.rows, length: grid.columns, inner: tokens.count)
  }

  private static func convolve(
    _ values: [Float], _ kernel: [Float], outer: Int, length: Int, inner: Int
  ) -> [Float] {
    let reach = kernel.count / 2
    var result = [Float](repeating: 0, count: values.count)
    for block in 0..<outer {
      for place in 0..<length {
        let target = (block * length + place) * inner
        for (offset, weight) in kernel.enumerated() {
          var source = place + offset - reach
          if source < 0 { source = -source }
          if source >= length { source = 2 * (length - 1) - source }
          let from = (block * length + source) * inner
          for k in 0..<inner { result[target + k] += weight * values[from + k] }
        }
      }
    }
    return result
  }
}
