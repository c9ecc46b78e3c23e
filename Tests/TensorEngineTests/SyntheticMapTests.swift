internal import Glibc
import TensorEngine
import TestSupport
import Testing

/// The arithmetic of Attend-and-Excite's loss on maps made by a formula, against numbers computed
/// in double precision with the kernel of the paper's own code (`utils/gaussian_smoothing.py`).
struct SyntheticMapTests {
  struct Golden: Sendable, CustomTestStringConvertible {
    /// Tokens from 1 up to this one are renormalised: the last slot, or the end of the prompt.
    let end: Int
    let smooths: Bool
    /// Largest attention of the tokens 2 and 5, and where it is.
    let largest: [Double]
    let places: [(row: Int, column: Int)]
    let loss: Double
    /// The sum of the gradient's magnitudes, and its smallest number, at (9, 6, 5).
    let slopes: Double
    let smallest: Double

    var testDescription: String { "tokens below \(end), \(smooths ? "smoothed" : "as they are")" }
  }

  static let goldens = [
    Golden(
      end: 76, smooths: true, largest: [0.18371365, 0.18195581], places: [(10, 1), (9, 6)],
      loss: 0.81804419, slopes: 29.736062, smallest: -5.181614),
    Golden(
      end: 76, smooths: false, largest: [0.19470921, 0.19359290], places: [(10, 1), (9, 6)],
      loss: 0.80640710, slopes: 31.222938, smallest: -15.611469),
    Golden(
      end: 6, smooths: true, largest: [0.98873107, 0.98258525], places: [(10, 0), (9, 6)],
      loss: 0.01741475, slopes: 3.401829, smallest: -0.237096),
    Golden(
      end: 6, smooths: false, largest: [0.99475011, 0.99280488], places: [(10, 1), (9, 6)],
      loss: 0.00719512, slopes: 1.428670, smallest: -0.714335),
  ]

  @Test("The synthetic maps are those of the formula")
  func maps() {
    func at(_ row: Int, _ column: Int, _ token: Int) -> Double {
      SyntheticMaps.probabilities[
        (row * SyntheticMaps.side + column) * SyntheticMaps.tokens + token]
    }
    #expect(abs(at(0, 0, 0) - 0.7641057149) < 1e-10)
    #expect(abs(at(10, 1, 2) - 0.0709234666) < 1e-10)
    #expect(abs(at(9, 6, 5) - 0.0683925801) < 1e-10)
    #expect(abs(SyntheticMaps.probabilities.reduce(0, +) - 256) < 1e-9)
  }

  /// `exp(-(d / 2σ)²)` with σ = 1/2 along each axis, normalised.
  private static let kernel: Tensor = {
    let line = [exp(-1.0), 1, exp(-1.0)].map { $0 / (1 + 2 * exp(-1.0)) }
    return Tensor(line.flatMap { y in line.map { Float(y * $0) } }, shape: [1, 1, 3, 3])
  }()

  @Test("The loss and its gradient on the synthetic maps", arguments: goldens)
  func loss(_ golden: Golden) {
    let side = SyntheticMaps.side
    let tape = Tape()
    let maps = tape.variable(SyntheticMaps.tensor)
    let renormalised = maps.sliced(axis: 2, 1..<golden.end).softmax(scale: 100)
    let subjects = [2, 5].map { token in
      let map = renormalised.sliced(axis: 2, token - 1..<token).reshaped([1, 1, side, side])
      guard golden.smooths else { return map }
      return map.reflectPadded(1).convolution(Weight(Self.kernel), nil, padding: Padding(0))
    }
    let losses = subjects.map { map in
      map.maximum.affine(scale: -1, offset: 1).activated(.relu).reshaped([1])
    }
    let loss = Tensor.concatenated(losses, axis: 0).maximum

    for (map, (largest, place)) in zip(subjects, zip(golden.largest, golden.places)) {
      expectClose(map.maximum.values, [largest], relative: 5e-6)
      #expect(map.argmax == place.row * side + place.column)
    }
    expectClose(loss.values, [golden.loss], relative: 0, absolute: 1e-6)

    let gradient = tape.gradient(of: loss, withRespectTo: maps)
    let slopes = gradient.values.map(Double.init)
    expectClose(
      [Float(slopes.reduce(0) { $0 + abs($1) })], [golden.slopes], relative: 2e-5)
    let place = gradient.affine(scale: -1).argmax
    expectClose([gradient.values[place]], [golden.smallest], relative: 2e-5)
    #expect(place == (9 * side + 6) * SyntheticMaps.tokens + 5)
  }
}
