private import Glibc

// Unsafe: loops over addresses. They are those of tensors that live as long as the loop, and places on an
// axis are mirrored into it.

/// SciPy's resizing of planes of floats: a Gaussian against aliasing, then linear interpolation.
///
/// - Reference: SciPy `ndimage/_filters.py`, `gaussian_filter`, and `_interpolation.py`, `zoom` with
///   `order=1`, `mode="mirror"` and `grid_mode=True`, in the way in which transformers
///   `models/owlv2/image_processing_pil_owlv2.py` calls them after scikit-image's `resize`.
package enum ScipyResampling {
  /// Planes `[plane, row, column]` at another size.
  ///
  /// Before an axis loses cells by a factor f, it is blurred by a Gaussian of standard deviation
  /// (f − 1) / 2. Beyond its edges an axis is mirrored, the edge not repeated.
  package static func resized(_ planes: Tensor, rows: Int, columns: Int) -> Tensor {
    guard planes.rank == 3, planes.count > 0, rows > 0, columns > 0 else {
      bug("resized: \(planes.shape) to \(rows) × \(columns)")
    }
    let (height, width) = (planes.shape[1], planes.shape[2])
    // Rows come first in SciPy; an axis that is not blurred there is left out.
    var result = planes
    result = weighted(result, isRows: true, gaussian(from: height, to: rows))
    result = weighted(result, isRows: false, gaussian(from: width, to: columns))
    result = weighted(result, isRows: true, linear(from: height, to: rows))
    return weighted(result, isRows: false, linear(from: width, to: columns))
  }

  /// For each cell of a new axis, cells of the old one and their weights.
  private typealias Taps = [[(cell: Int, weight: Double)]]

  /// The blur before an axis loses cells; `nil` where it loses none.
  private static func gaussian(from source: Int, to target: Int) -> Taps? {
    let deviation = max(0, (Double(source) / Double(target) - 1) / 2)
    // What SciPy leaves out.
    guard deviation > 1e-15 else { return nil }
    let radius = Int(4 * deviation + 0.5)
    let raw = (-radius...radius).map { exp(-0.5 / (deviation * deviation) * Double($0 * $0)) }
    let sum = raw.reduce(0, +)
    return (0..<source).map { cell in
      (-radius...radius).map { offset in
        (mirrored(cell + offset, source), raw[offset + radius] / sum)
      }
    }
  }

  /// The interpolation from one axis to another; `nil` where they are the same.
  private static func linear(from source: Int, to target: Int) -> Taps? {
    guard source != target else { return nil }
    let scale = Double(source) / Double(target)
    return (0..<target).map { cell in
      // A place below 0 or above the last cell is mirrored as the cells are.
      var place = abs((Double(cell) + 0.5) * scale - 0.5)
      let last = Double(source - 1)
      if place > last { place = max(0, 2 * last - place) }
      let first = Int(place)
      let share = place - Double(first)
      return [(first, 1 - share), (mirrored(first + 1, source), share)]
    }
  }

  /// The cell that stands for one beyond the edges.
  private static func mirrored(_ cell: Int, _ count: Int) -> Int {
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let place = ((cell % period) + period) % period
    return place < count ? place : period - place
  }

  /// Each row, or each column, as a weighted sum of others; sums are of float64, results of float32.
  private static func weighted(_ planes: Tensor, isRows: Bool, _ taps: Taps?) -> Tensor {
    guard let taps else { return planes }
    let (count, height, width) = (planes.shape[0], planes.shape[1], planes.shape[2])
    let (rows, columns) = isRows ? (taps.count, width) : (height, taps.count)
    return unsafe Tensor(shape: [count, rows, columns]) { target in
      Parallel.forEach(count * rows) { line in
        let (plane, row) = (line / rows, line % rows)
        let from = unsafe planes.storage.pointer + plane * height * width
        let to = unsafe target + line * columns
        for column in 0..<columns {
          var sum = 0.0
          for (cell, weight) in taps[isRows ? row : column] {
            let place = isRows ? cell * width + column : row * width + cell
            unsafe sum += weight * Double(from[place])
          }
          unsafe to[column] = Float(sum)
        }
      }
    }
  }
}
