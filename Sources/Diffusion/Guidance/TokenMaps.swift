public import PromptText
public import TensorEngine

/// The maps of a pass's tokens, as a ``MapReading`` has them.
public struct TokenMaps: Sendable {
  /// The mean over heads and layers, `[pixel, token]`; each row sums to 1.
  public let average: Tensor
  /// B of all the tokens that share it, `[pixel, token − 1]`.
  private let shared: Tensor
  private let reading: MapReading

  /// - Parameter average: `[pixel, token]`.
  init(average: Tensor, reading: MapReading) {
    self.average = average
    self.reading = reading
    // Probabilities are averaged, not scores; then softmax(100 A) over the prompt's tokens. The
    // factor is a temperature: without it a softmax of numbers in 0…1 would be nearly flat.
    shared = average.sliced(axis: 1, 1..<reading.lastToken).softmax(scale: 100)
  }

  /// A of one token, `[pixel]`.
  public func raw(_ token: Int) -> Tensor {
    average.sliced(axis: 1, token..<token + 1).reshaped([average.shape[0]])
  }

  /// A of one token as a distribution over the pixels, `[pixel]`.
  public func distribution(_ token: Int) -> Tensor { raw(token).distribution }

  /// B of one token, `[pixel]`.
  public func renormalised(_ token: Int) -> Tensor {
    shared.sliced(axis: 1, token - 1..<token).reshaped([average.shape[0]])
  }

  /// B̃ of one token, `[row, column]` of the grid.
  public func smoothed(_ token: Int) -> Tensor { smoothed(renormalised(token)) }

  /// A map under the smoothing kernel, `[row, column]`.
  func smoothed(_ map: Tensor) -> Tensor {
    let plane = reading.smoothed(reading.plane(map))
    return plane.reshaped(Array(plane.shape.suffix(2)))
  }

  /// A of a word, `[pixel]`: of the pieces that the rule chooses.
  public func raw(_ word: Subject) -> Tensor { joined(word, raw) }

  /// A of a word as a distribution over the pixels, `[pixel]`.
  public func distribution(_ word: Subject) -> Tensor { raw(word).distribution }

  /// B of a word, `[pixel]`.
  public func renormalised(_ word: Subject) -> Tensor { joined(word, renormalised) }

  /// B̃ of a word, `[row, column]`.
  public func smoothed(_ word: Subject) -> Tensor { joined(word, smoothed) }

  /// One map of a word of several pieces, by the reading's rule.
  private func joined(_ word: Subject, _ map: (Int) -> Tensor) -> Tensor {
    let maps = reading.pieces.tokens(of: word).map(map)
    switch reading.pieces {
    case .first, .last: return maps[0]
    case .mean: return .mean(maps)
    case .max: return maps.dropFirst().reduce(maps[0], Tensor.greater)
    }
  }

  /// The largest number of a word's B̃, a scalar.
  func largest(_ word: Subject) -> Tensor {
    let maps = reading.pieces.tokens(of: word).map { reading.plane(renormalised($0)) }
    if reading.pieces == .mean {
      return reading.smoothed(
        Tensor.concatenated(maps, axis: 0).meanOverFirstAxis.reshaped(maps[0].shape)
      ).maximum
    }
    return reading.smoothed(.concatenated(maps, axis: 0)).maximum
  }

  /// The excitation score of each word, the largest number of its B̃: which ``ObjectiveValue/scores``
  /// holds for every loss.
  public func scores(of words: [Subject]) -> [Float] { words.map { largest($0).item } }
}
