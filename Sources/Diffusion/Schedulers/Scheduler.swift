package import TensorEngine

/// Takes a sample from one time to the next, given what the UNet predicts.
///
/// A scheduler holds the state of one run. Its iterations are indexed from 0; PNDM has one more of
/// them than it was asked for, and those that evaluate the UNet twice a step twice as many but one.
package protocol Scheduler: Sendable {
  /// The diffusion times to visit, one for each iteration.
  var timesteps: [Double] { get }
  /// How many iterations make a step; the last step is one iteration in any case.
  var evaluationsPerStep: Int { get }
  /// What the starting noise is multiplied with.
  var initialNoiseScale: Float { get }
  /// What a run must keep to go on from here after a pause; names begin with `scheduler.`.
  ///
  /// A counter is a scalar, all else has the sample's shape.
  var state: [String: Tensor] { get set }

  /// Whether iteration `index` draws noise.
  func drawsNoise(at index: Int) -> Bool

  /// The sample as the UNet takes it at iteration `index`.
  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor

  /// The sample that iteration `index` starts from if it is to end at `clean`.
  ///
  /// - Parameter noise: of mean 0 and variance 1, of the sample's shape.
  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor

  /// The clean sample that iteration `index` predicts.
  ///
  /// - Parameter output: what the UNet predicted, of the sample's shape.
  /// - Reference: diffusers `pred_original_sample` of the schedulers' outputs, and `denoised` of LCM's.
  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor

  /// The sample at the next time.
  ///
  /// - Parameters:
  ///   - output: what the UNet predicted, of the sample's shape.
  ///   - index: the iteration.
  ///   - noise: fresh noise of the sample's shape; needed if ``drawsNoise(at:)``.
  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor
}

extension Scheduler {
  package var evaluationsPerStep: Int { 1 }
  package func drawsNoise(at index: Int) -> Bool { false }

  /// How often noise is drawn before iteration `index`.
  func draws(before index: Int) -> Int { (0..<index).count(where: drawsNoise) }

  /// Whether a state that was read from a file has extents that this scheduler's can have.
  func accepts(_ state: [String: Tensor], latent: Tensor) -> Bool {
    state.filter { $0.key.hasPrefix("scheduler.") }.allSatisfy { name, value in
      guard name == "scheduler.counter" else { return value.shape == latent.shape }
      return value.count == 1 && (0...Float(timesteps.count)).contains(value.item)
    }
  }
}

extension Tensor {
  /// The sum of tensors times numbers, off any tape; at least one.
  static func combination(_ terms: [(weight: Double, tensor: Tensor)]) -> Tensor {
    let first = terms[0].tensor.detached.affine(scale: Float(terms[0].weight))
    return terms.dropFirst().reduce(first) {
      $0 + $1.tensor.detached.affine(scale: Float($1.weight))
    }
  }

  /// `a x + b y`, number by number, off any tape.
  static func combination(_ a: Float, _ x: Tensor, _ b: Float, _ y: Tensor) -> Tensor {
    x.detached.affine(scale: a) + y.detached.affine(scale: b)
  }
}

extension [Tensor] {
  /// The tensors under a name with their places, as a state has them.
  func numbered(_ name: String) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: enumerated().map { ("\(name).\($0)", $1) })
  }

  /// The tensors that a state has under a name with places, at most `count`.
  init(numbered name: String, in state: [String: Tensor], count: Int) {
    self = (0..<count).compactMap { state["\(name).\($0)"] }
  }
}
