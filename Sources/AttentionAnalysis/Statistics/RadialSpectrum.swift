internal import AttentionTrace
internal import Glibc

/// How coarse or fine a map is: its power by spatial frequency, averaged over directions.
///
/// The map minus its mean goes through a discrete Fourier transform F over rows and columns. The power
/// of one frequency is |F / cells|², so that over all frequencies it adds up to the map's variance.
package struct RadialSpectrum: Hashable, Sendable {
  /// `[radius]`: the mean power of the frequencies at that distance from 0, rounded to an integer.
  ///
  /// Both coordinates of a frequency are in cycles per picture, whatever its shape. All are NaN if
  /// a value of the map is NaN or infinite.
  package let power: [Double]

  /// Transforms `map`, in cells x (rows + columns) steps.
  package init(of map: AttentionMap) {
    let (rows, columns) = (map.grid.rows, map.grid.columns)
    let cells = Double(map.values.count)
    let mean = map.mass / cells
    var plane = ComplexPlane(
      real: map.values.map { Double($0) - mean }, imaginary: map.values.map { _ in 0 })
    plane = plane.transformed(outer: rows, length: columns, inner: 1)
    plane = plane.transformed(outer: 1, length: rows, inner: columns)

    let furthest = hypot(Double(rows / 2), Double(columns / 2)).rounded()
    var sums = [Double](repeating: 0, count: Int(furthest) + 1)
    var counts = sums
    for place in plane.real.indices {
      let (row, column) = (place / columns, place % columns)
      let radius = hypot(Double(min(row, rows - row)), Double(min(column, columns - column)))
      let (real, imaginary) = (plane.real[place] / cells, plane.imaginary[place] / cells)
      sums[Int(radius.rounded())] += real * real + imaginary * imaginary
      counts[Int(radius.rounded())] += 1
    }
    power = zip(sums, counts).map { $0 / $1 }
  }
}

/// Complex numbers on the way through a Fourier transform.
private struct ComplexPlane {
  var real: [Double]
  var imaginary: [Double]

  /// The transform over the middle axis of `[outer, length, inner]`, by its definition.
  func transformed(outer: Int, length: Int, inner: Int) -> ComplexPlane {
    let circle = (0..<length).map { step in
      let angle = -2 * Double.pi * Double(step) / Double(length)
      return (real: cos(angle), imaginary: sin(angle))
    }
    let zeros = [Double](repeating: 0, count: real.count)
    var result = ComplexPlane(real: zeros, imaginary: zeros)
    for block in 0..<outer {
      for frequency in 0..<length {
        let target = (block * length + frequency) * inner
        for place in 0..<length {
          let source = (block * length + place) * inner
          let turn = circle[frequency * place % length]
          for k in 0..<inner {
            let (x, y) = (real[source + k], imaginary[source + k])
            result.real[target + k] += x * turn.real - y * turn.imaginary
            result.imaginary[target + k] += x * turn.imaginary + y * turn.real
          }
        }
      }
    }
    return result
  }
}
