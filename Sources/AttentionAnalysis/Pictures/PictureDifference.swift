internal import Glibc
internal import TensorEngine

/// How much two pictures of one size differ.
package struct PictureDifference: Hashable, Sendable {
  /// Mean of |a − b| over samples, 0…255.
  package let meanAbsolute: Double
  /// Peak signal-to-noise ratio in decibels, 10 log₁₀(255² / mean of (a − b)²); infinite for the same
  /// picture.
  package let peakSignalToNoise: Double
  /// Mean structural similarity of the luma, −1…1, over windows of 7×7 pixels of equal weight, with
  /// sample covariances, K₁ = 0.01 and K₂ = 0.03; NaN for a picture smaller than a window.
  ///
  /// Source: Wang, Bovik, Sheikh & Simoncelli, Image Quality Assessment: From Error Visibility to
  /// Structural Similarity, IEEE TIP 13(4), 2004, equation 13; the window is scikit-image's.
  package let structuralSimilarity: Double

  /// Compares two pictures.
  ///
  /// - Parameters:
  ///   - first: `[row, column, red | green | blue]`, 0…255.
  ///   - second: of the same shape.
  ///   - width: pixels of a row.
  /// - Precondition: both have as many samples, whole rows of them, and at least one.
  package init(_ first: [UInt8], _ second: [UInt8], width: Int) {
    guard first.count == second.count && !first.isEmpty && first.count % (3 * width) == 0 else {
      bug("pictures of \(first.count) and \(second.count) samples, \(width) pixels wide")
    }
    var (absolute, squared) = (0.0, 0.0)
    for (a, b) in zip(first, second) {
      let difference = Double(a) - Double(b)
      absolute += abs(difference)
      squared += difference * difference
    }
    let count = Double(first.count)
    meanAbsolute = absolute / count
    peakSignalToNoise = 10 * log10(255 * 255 / (squared / count))
    structuralSimilarity = Self.similarity(Self.luma(first), Self.luma(second), width: width)
  }

  /// The luma of each pixel by BT.601, 0…255.
  private static func luma(_ samples: [UInt8]) -> [Double] {
    let weights = [0.299, 0.587, 0.114]
    return stride(from: 0, to: samples.count, by: 3).map { pixel in
      weights.indices.reduce(0) { $0 + weights[$1] * Double(samples[pixel + $1]) }
    }
  }

  private static let window = 7

  private static func similarity(_ x: [Double], _ y: [Double], width: Int) -> Double {
    let height = x.count / width
    guard width >= window, height >= window else { return .nan }
    var sum = 0.0
    for row in 0...height - window {
      for column in 0...width - window {
        sum += similarity(x, y, width: width, at: row * width + column)
      }
    }
    return sum / Double((height - window + 1) * (width - window + 1))
  }

  /// Of the window whose first pixel is `start`.
  private static func similarity(_ x: [Double], _ y: [Double], width: Int, at start: Int) -> Double
  {
    var (sumX, sumY, sumXX, sumYY, sumXY) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for row in 0..<window {
      for pixel in start + row * width..<start + row * width + window {
        sumX += x[pixel]
        sumY += y[pixel]
        sumXX += x[pixel] * x[pixel]
        sumYY += y[pixel] * y[pixel]
        sumXY += x[pixel] * y[pixel]
      }
    }
    let count = Double(window * window)
    let (meanX, meanY) = (sumX / count, sumY / count)
    func covariance(_ products: Double, _ a: Double, _ b: Double) -> Double {
      (products - count * a * b) / (count - 1)
    }
    let (c1, c2) = (Self.square(0.01 * 255), Self.square(0.03 * 255))
    let brightness = (2 * meanX * meanY + c1) / (meanX * meanX + meanY * meanY + c1)
    let variances = covariance(sumXX, meanX, meanX) + covariance(sumYY, meanY, meanY)
    return brightness * (2 * covariance(sumXY, meanX, meanY) + c2) / (variances + c2)
  }

  private static func square(_ value: Double) -> Double { value * value }
}
