private import CKernels

/// A 3×3 convolution by minimal filtering: fewer multiplications than the direct sum has.
///
/// With tiles of 4×4 outputs, 36 products do the work of 144; with 2×2, 16 that of 36. Pictures are
/// taken in bands of tile rows and output channels in blocks, so that the transformed numbers stay
/// in the cache; each position of the tile is one matrix product over channels.
///
/// - Reference: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, arXiv 1509.09308;
///   the points are argued in `winograd_body.h`.
struct Winograd {
  private let shape: ck_winograd
  private let channels: Int
  private let outChannels: Int
  /// Tile rows taken at a time.
  private let bandRows: Int
  /// Output channels taken at a time.
  private let block: Int
  private let weight: Weight
  /// Whether this is the pullback: kernels are turned, and the weight's axes change their places.
  private let isPullback: Bool

  /// Tiles of one band, about.
  private static let bandTiles = 256
  /// Transformed kernels at a time, in floats: 32 MB.
  private static let blockFloats = 1 << 23

  private var taps: Int { (shape.tile + 2) * (shape.tile + 2) }
  private var tileRows: Int { (shape.out_rows + shape.tile - 1) / shape.tile }

  /// Sets up a convolution of stride 1 over `rows` by `columns`; `nil` where the direct sum is as
  /// fast.
  ///
  /// - Parameter weight: `[out, in, 3, 3]`.
  init?(weight: Weight, rows: Int, columns: Int, padding: Padding) {
    self.init(weight, rows, columns, padding, isPullback: false)
  }

  /// Sets up the pullback of a convolution whose output has `rows` by `columns`: the convolution of
  /// that with the kernels turned, padded by what the forward padding leaves of 2.
  init?(pullbackOf weight: Weight, rows: Int, columns: Int, padding: Padding) {
    let rest = Padding(
      top: 2 - padding.top, left: 2 - padding.left, bottom: 2 - padding.bottom,
      right: 2 - padding.right)
    self.init(weight, rows, columns, rest, isPullback: true)
  }

  private init?(
    _ weight: Weight, _ rows: Int, _ columns: Int, _ padding: Padding, isPullback: Bool
  ) {
    guard weight.shape[2] == 3, weight.shape[3] == 3 else { return nil }
    self.weight = weight
    self.isPullback = isPullback
    channels = weight.shape[isPullback ? 0 : 1]
    outChannels = weight.shape[isPullback ? 1 : 0]
    let outRows = rows + padding.top + padding.bottom - 2
    let outColumns = columns + padding.left + padding.right - 2
    guard channels >= 32, outChannels >= 32, let tile = Self.tile(outRows, outColumns) else {
      return nil
    }
    let tileColumns = (outColumns + tile - 1) / tile
    shape = ck_winograd(
      rows: rows, columns: columns, out_rows: outRows, out_columns: outColumns, top: padding.top,
      left: padding.left, tile: tile, tile_columns: tileColumns)
    bandRows = max(1, Self.bandTiles / tileColumns)
    let most = max(16, Self.blockFloats / (channels * (tile + 2) * (tile + 2)))
    block = outChannels <= most ? outChannels : most / 16 * 16
  }

  /// The tile's side for an output; larger tiles save more, if there are enough of them that
  /// transforming the kernels is the smaller part.
  private static func tile(_ rows: Int, _ columns: Int) -> Int? {
    let pixels = rows * columns
    return pixels >= 1024 ? 4 : pixels >= 256 ? 2 : nil
  }

  /// Convolves `count` pictures `[channel, row, column]` that lie one after the other.
  ///
  /// Kernels are transformed once: where one block holds them all, pictures pass by it in bands;
  /// where it does not, all pictures' transformed numbers wait for each block in turn.
  func callAsFunction(
    _ source: UnsafePointer<Float>, _ count: Int, _ bias: Tensor?,
    into target: UnsafeMutablePointer<Float>
  ) {
    let bands = self.bands(count)
    let blocks = stride(from: 0, to: outChannels, by: block).map {
      $0..<min($0 + block, outChannels)
    }
    let kernels = Storage(count: taps * block * channels)
    let products = Storage(count: taps * block * bandTiles)
    func finish(_ band: Band, _ inputs: Storage, _ out: Range<Int>) {
      multiply(kernels, inputs, band, out, into: products)
      self.finish(products, band, out, bias, into: target)
    }
    if blocks.count == 1 {
      transformKernels(blocks[0], into: kernels)
      let inputs = Storage(count: taps * channels * bandTiles)
      for band in bands {
        transform(source, band, into: inputs)
        finish(band, inputs, blocks[0])
      }
      return
    }
    let inputs = bands.map { band in
      let inputs = Storage(count: taps * channels * band.rows.count * shape.tile_columns)
      transform(source, band, into: inputs)
      return inputs
    }
    for out in blocks {
      transformKernels(out, into: kernels)
      for (band, inputs) in zip(bands, inputs) { finish(band, inputs, out) }
    }
  }

  /// Tile rows of one picture.
  private struct Band {
    let picture: Int
    let rows: Range<Int>
  }

  private var bandTiles: Int { min(bandRows, tileRows) * shape.tile_columns }

  private func bands(_ pictures: Int) -> [Band] {
    (0..<pictures).flatMap { picture in
      stride(from: 0, to: tileRows, by: bandRows).map {
        Band(picture: picture, rows: $0..<min($0 + bandRows, tileRows))
      }
    }
  }

  private func transform(
    _ source: UnsafePointer<Float>, _ band: Band, into inputs: Storage
  ) {
    let tiles = band.rows.count * shape.tile_columns
    let picture = source + band.picture * channels * shape.rows * shape.columns
    Parallel.ranges(channels, grain: 8) { range in
      var shape = shape
      for channel in range {
        ck_winograd_input(
          picture + channel * shape.rows * shape.columns, inputs.pointer + channel * tiles, &shape,
          band.rows.lowerBound, band.rows.upperBound, channels * tiles)
      }
    }
  }

  /// Kernels of the output channels `out`: `[tap, out, in]`, or `[tap, in, out]` for the pullback.
  private func transformKernels(_ out: Range<Int>, into kernels: Storage) {
    let rows = isPullback ? channels : out.count
    let columns = isPullback ? out.count : channels
    let stride = weight.shape[1] * 9
    let corner = isPullback ? out.lowerBound * 9 : out.lowerBound * stride
    Parallel.ranges(rows, grain: max(1, 4096 / columns)) { range in
      for row in range {
        let first = corner + row * stride
        weight.withFloats(first..<first + 9 * columns) { weight in
          ck_winograd_kernel(
            weight, kernels.pointer + row * columns, columns, Int32(shape.tile),
            isPullback ? 1 : 0, rows * columns)
        }
      }
    }
  }

  private func multiply(
    _ kernels: Storage, _ inputs: Storage, _ band: Band, _ out: Range<Int>,
    into products: Storage
  ) {
    let tiles = band.rows.count * shape.tile_columns
    Parallel.forEach(taps) { tap in
      Matrix.multiply(
        Matrix(
          kernels.pointer + tap * out.count * channels,
          stride: isPullback ? out.count : channels, transposed: isPullback),
        Matrix(inputs.pointer + tap * channels * tiles, stride: tiles),
        into: products.pointer + tap * out.count * tiles, outputStride: tiles, rows: out.count,
        columns: tiles, inner: channels)
    }
  }

  private func finish(
    _ products: Storage, _ band: Band, _ out: Range<Int>, _ bias: Tensor?,
    into target: UnsafeMutablePointer<Float>
  ) {
    let tiles = band.rows.count * shape.tile_columns
    let picture = target + band.picture * outChannels * shape.out_rows * shape.out_columns
    Parallel.ranges(out.count, grain: 8) { range in
      var shape = shape
      for row in range {
        let channel = out.lowerBound + row
        ck_winograd_output(
          products.pointer + row * tiles, picture + channel * shape.out_rows * shape.out_columns,
          &shape, band.rows.lowerBound, band.rows.upperBound, out.count * tiles,
          bias?.storage.pointer[channel] ?? 0)
      }
    }
  }
}
