private import CKernels

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

/// Zeros put around a picture before a convolution.
package struct Padding: Hashable, Sendable {
  package let top: Int
  package let left: Int
  package let bottom: Int
  package let right: Int

  package init(top: Int, left: Int, bottom: Int, right: Int) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// The same on all four sides.
  package init(_ width: Int) { self.init(top: width, left: width, bottom: width, right: width) }
}

extension Tensor {
  /// Cross-correlation of `[batch, in, row, column]` with `weight` `[out, in, height, width]`.
  package func convolution(
    _ weight: Weight, _ bias: Tensor?, stride: Int = 1, padding: Padding
  ) -> Tensor {
    Operation.convolution(weight: weight, bias: bias, stride: stride, padding: padding)(self)
  }
}

/// The extents of one convolution, and how its pictures unroll into columns.
private struct ConvolutionGeometry {
  let batch, channels, rows, columns: Int
  let outChannels, kernelRows, kernelColumns: Int
  let outRows, outColumns: Int
  let stride: Int
  let padding: Padding

  init(_ shape: [Int], _ weight: Weight, _ stride: Int, _ padding: Padding) {
    guard shape.count == 4 && weight.shape.count == 4 && shape[1] == weight.shape[1] && stride > 0
    else { bug("convolution: \(shape) with weight \(weight.shape), stride \(stride)") }
    (batch, channels, rows, columns) = (shape[0], shape[1], shape[2], shape[3])
    (outChannels, kernelRows, kernelColumns) = (weight.shape[0], weight.shape[2], weight.shape[3])
    self.stride = stride
    self.padding = padding
    let spareRows = rows + padding.top + padding.bottom - kernelRows
    let spareColumns = columns + padding.left + padding.right - kernelColumns
    guard spareRows >= 0 && spareColumns >= 0 else {
      bug("convolution: \(shape) is smaller than the kernel \(weight.shape)")
    }
    (outRows, outColumns) = (spareRows / stride + 1, spareColumns / stride + 1)
  }

  var kernel: Int { kernelRows * kernelColumns }
  var inner: Int { channels * kernel }
  var pixels: Int { rows * columns }
  var outPixels: Int { outRows * outColumns }
  var outShape: [Int] { [batch, outChannels, outRows, outColumns] }

  /// A 1×1 kernel moving by one: the picture is its own column matrix.
  var isPointwise: Bool { kernel == 1 && stride == 1 && outPixels == pixels }

  /// Output columns whose input column `x * stride + shift` lies inside the picture.
  private func inside(_ shift: Int) -> Range<Int> {
    let first = shift >= 0 ? 0 : (-shift + stride - 1) / stride
    let end = columns - shift <= 0 ? 0 : min(outColumns, (columns - shift - 1) / stride + 1)
    return first < end ? first..<end : 0..<0
  }

  /// Unrolls output rows `band` of one picture's `channels`: `[in * kernel, band pixels]`.
  func unroll(
    _ picture: UnsafePointer<Float>, _ band: Range<Int>, _ channels: Range<Int>,
    into matrix: UnsafeMutablePointer<Float>
  ) {
    let length = band.count * outColumns
    for channel in channels {
      for ky in 0..<kernelRows {
        for kx in 0..<kernelColumns {
          let line = (channel * kernelRows + ky) * kernelColumns + kx
          let shift = kx - padding.left
          let valid = inside(shift)
          for (index, y) in band.enumerated() {
            let target = unsafe matrix + line * length + index * outColumns
            let row = y * stride + ky - padding.top
            guard row >= 0, row < rows, !valid.isEmpty else {
              unsafe target.update(repeating: 0, count: outColumns)
              continue
            }
            let source = unsafe picture + channel * pixels + row * columns + shift
            unsafe target.update(repeating: 0, count: valid.lowerBound)
            if stride == 1 {
              unsafe (target + valid.lowerBound)
                .update(from: source + valid.lowerBound, count: valid.count)
            } else {
              for x in valid { unsafe target[x] = unsafe source[x * stride] }
            }
            unsafe (target + valid.upperBound).update(
              repeating: 0, count: outColumns - valid.upperBound)
          }
        }
      }
    }
  }

  /// Adds the columns of `channel` back to where ``unroll(_:_:into:)`` took them from.
  func roll(_ matrix: UnsafePointer<Float>, into picture: UnsafeMutablePointer<Float>) {
    for ky in 0..<kernelRows {
      for kx in 0..<kernelColumns {
        let shift = kx - padding.left
        let valid = inside(shift)
        for y in 0..<outRows {
          let row = y * stride + ky - padding.top
          guard row >= 0, row < rows else { continue }
          let source = unsafe matrix + (ky * kernelColumns + kx) * outPixels + y * outColumns
          let target = unsafe picture + row * columns + shift
          if stride == 1 {
            let first = valid.lowerBound
            unsafe ck_add(target + first, source + first, target + first, valid.count)
          } else {
            for x in valid { unsafe target[x * stride] += source[x] }
          }
        }
      }
    }
  }
}

extension Operation {
  /// Output pixels whose columns are unrolled at a time: they stay in the cache for the product.
  private static let bandPixels = 256
  /// From so many pixels on there are enough panels of them that no thread is idle.
  private static let pixelsToPackFor = 8 * CK_PANEL

  static func convolution(
    _ x: Tensor, _ weight: Weight, _ bias: Tensor?, _ stride: Int, _ padding: Padding
  ) -> Evaluation {
    let shape = ConvolutionGeometry(x.shape, weight, stride, padding)
    guard bias?.shape ?? [shape.outChannels] == [shape.outChannels] else {
      bug("convolution: weight \(weight.shape) with bias \(bias?.shape ?? [])")
    }
    defer { weight.release() }
    let winograd =
      stride == 1
      ? Winograd(weight: weight, rows: shape.rows, columns: shape.columns, padding: padding) : nil
    let output = unsafe Tensor(shape: shape.outShape) { y in
      if let winograd { return unsafe winograd(x.storage.pointer, shape.batch, bias, into: y) }
      unsafe fill(y, shape, bias)
      if shape.outPixels <= bandPixels, !shape.isPointwise {
        return unsafe convolveSmall(x.storage.pointer, weight, shape, into: y)
      }
      unsafe weight.withFloats { weight in
        for picture in 0..<shape.batch {
          unsafe convolve(
            x.storage.pointer + picture * shape.channels * shape.pixels, weight, shape,
            into: y + picture * shape.outChannels * shape.outPixels)
        }
      }
    }
    return Evaluation(output: output)
  }

  /// Puts the bias into every plane, for a product to be added to.
  private static func fill(
    _ y: UnsafeMutablePointer<Float>, _ shape: ConvolutionGeometry, _ bias: Tensor?
  ) {
    Parallel.ranges(shape.batch * shape.outChannels, grain: max(1, (1 << 15) / shape.outPixels)) {
      for plane in $0 {
        let value = unsafe bias?.storage.pointer[plane % shape.outChannels] ?? 0
        unsafe (y + plane * shape.outPixels).update(repeating: value, count: shape.outPixels)
      }
    }
  }

  /// One picture: bands of rows are unrolled and multiplied, so the whole is never unrolled.
  private static func convolve(
    _ source: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ shape: ConvolutionGeometry,
    into target: UnsafeMutablePointer<Float>
  ) {
    if shape.isPointwise, shape.pixels >= pixelsToPackFor {
      let product = unsafe PackedProduct(
        left: weight, rows: shape.outChannels, columns: shape.pixels, inner: shape.inner)
      return unsafe product.put(into: target, from: .output) { part, terms, panels in
        unsafe ck_pack_rows(
          source + terms.lowerBound * shape.pixels + part.lowerBound, shape.pixels, part.count,
          terms.count, panels)
      }
    }
    if shape.isPointwise {
      return unsafe Matrix.multiplyInParallel(
        Matrix(weight, stride: shape.inner), Matrix(source, stride: shape.pixels), into: target,
        outputStride: shape.outPixels, rows: shape.outChannels, columns: shape.outPixels,
        inner: shape.inner, adding: true)
    }
    let bandRows = max(1, bandPixels / shape.outColumns)
    Parallel.ranges(shape.outRows, grain: bandRows) { band in
      let length = band.count * shape.outColumns
      let matrix = Storage(count: shape.inner * length)
      unsafe shape.unroll(source, band, 0..<shape.channels, into: matrix.pointer)
      unsafe Matrix.multiply(
        Matrix(weight, stride: shape.inner), Matrix(matrix.pointer, stride: length),
        into: target + band.lowerBound * shape.outColumns, outputStride: shape.outPixels,
        rows: shape.outChannels, columns: length, inner: shape.inner, adding: true)
    }
  }

  /// Small pictures, each unrolled at once: the output channels are what is shared out, and with
  /// them the weight, which is the larger factor.
  private static func convolveSmall(
    _ source: UnsafePointer<Float>, _ weight: Weight, _ shape: ConvolutionGeometry,
    into target: UnsafeMutablePointer<Float>
  ) {
    let size = shape.inner * shape.outPixels
    let matrices = Storage(count: shape.batch * size)
    Parallel.ranges(shape.batch * shape.channels, grain: 1) { range in
      let (picture, channel) = range.lowerBound.quotientAndRemainder(dividingBy: shape.channels)
      unsafe shape.unroll(
        source + picture * shape.channels * shape.pixels, 0..<shape.outRows, channel..<channel + 1,
        into: matrices.pointer + picture * size)
    }
    Parallel.ranges(shape.outChannels, grain: 40) { out in
      unsafe weight.withFloats(out.lowerBound * shape.inner..<out.upperBound * shape.inner) {
        weight in
        for picture in 0..<shape.batch {
          unsafe Matrix.multiply(
            Matrix(weight, stride: shape.inner),
            Matrix(matrices.pointer + picture * size, stride: shape.outPixels),
            into: target + (picture * shape.outChannels + out.lowerBound) * shape.outPixels,
            outputStride: shape.outPixels, rows: out.count, columns: shape.outPixels,
            inner: shape.inner, adding: true)
        }
      }
    }
  }

  static func convolutionPullback(
    _ gradient: Tensor, _ weight: Weight, _ stride: Int, _ padding: Padding, _ inputShape: [Int]
  ) -> Tensor {
    let shape = ConvolutionGeometry(inputShape, weight, stride, padding)
    defer { weight.release() }
    let winograd =
      stride == 1
      ? Winograd(
        pullbackOf: weight, rows: shape.outRows, columns: shape.outColumns, padding: padding)
      : nil
    return unsafe Tensor(shape: inputShape) { dx in
      if let winograd {
        return unsafe winograd(gradient.storage.pointer, shape.batch, nil, into: dx)
      }
      unsafe weight.withFloats { weight in
        for picture in 0..<shape.batch {
          unsafe convolveBack(
            gradient.storage.pointer + picture * shape.outChannels * shape.outPixels, weight,
            shape, into: dx + picture * shape.channels * shape.pixels)
        }
      }
    }
  }

  /// One picture: blocks of input channels write to planes of their own, whatever the kernel
  /// overlaps.
  private static func convolveBack(
    _ dy: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ shape: ConvolutionGeometry,
    into target: UnsafeMutablePointer<Float>
  ) {
    if shape.isPointwise {
      return unsafe Matrix.multiplyInParallel(
        Matrix(weight, stride: shape.inner, transposed: true), Matrix(dy, stride: shape.outPixels),
        into: target, outputStride: shape.pixels, rows: shape.channels, columns: shape.pixels,
        inner: shape.outChannels)
    }
    unsafe Parallel.zero(target, count: shape.channels * shape.pixels)
    Parallel.ranges(shape.channels, grain: 16) { block in
      let matrix = Storage(count: block.count * shape.kernel * shape.outPixels)
      unsafe Matrix.multiply(
        Matrix(
          weight + block.lowerBound * shape.kernel, stride: shape.inner,
          transposed: true),
        Matrix(dy, stride: shape.outPixels), into: matrix.pointer, outputStride: shape.outPixels,
        rows: block.count * shape.kernel, columns: shape.outPixels, inner: shape.outChannels)
      for (index, channel) in block.enumerated() {
        unsafe shape.roll(
          matrix.pointer + index * shape.kernel * shape.outPixels,
          into: target + channel * shape.pixels)
      }
    }
  }
}
