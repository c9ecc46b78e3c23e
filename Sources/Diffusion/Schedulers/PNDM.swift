internal import TensorEngine

/// Pseudo numerical methods for diffusion: a linear multistep method over past predictions.
///
/// Liu et al., Pseudo Numerical Methods for Diffusion Models on Manifolds, ICLR 2022:
///
/// | here | there |
/// | --- | --- |
/// | `transfer` | φ, equation 11 (formula 9 of the first version) |
/// | `history` | e_t, e_{t+δ}, … |
/// | `multistep` | equation 12, the Adams–Bashforth weights |
///
/// Stable Diffusion skips the Runge–Kutta start and visits its second time twice instead: 51
/// iterations for 50 steps, the second of which starts again from the first's sample.
///
/// - Reference: diffusers `schedulers/scheduling_pndm.py`.
struct PNDM: Scheduler {
  private let configuration: SchedulerConfiguration
  private let times: [Int]
  private let rungeKuttaCount: Int
  private let stride: Int
  private var counter = 0
  /// Past predictions, oldest first.
  private var history: [Tensor] = []
  private var saved: Tensor?
  private var mean: Tensor?

  init(_ configuration: SchedulerConfiguration, steps: Int) throws {
    let skips = configuration.skipRungeKutta
    guard skips || steps >= 4 else {
      throw DiffusionError.invalidRequest(
        what: "the number of steps", got: String(steps),
        expected: "at least 4 with PNDM's Runge-Kutta start")
    }
    self.configuration = configuration
    stride = configuration.noise.trainingTimes / steps
    let spaced = configuration.spaced(steps)  // descending
    if skips {
      let repeated = steps > 1 ? [spaced[0], spaced[1]] + spaced[1...] : [spaced[0]]
      times = repeated
      rungeKuttaCount = 0
    } else {
      // Each of the first three steps evaluates at t, twice halfway, and at the next t.
      let half = stride / 2
      let fine = spaced.prefix(4).flatMap { [$0 + half, $0] }
      let twice = fine.dropFirst().flatMap { [$0, $0] }
      times = Array(twice.dropFirst().dropLast()) + spaced[3...]
      rungeKuttaCount = twice.count - 2
    }
  }

  var timesteps: [Double] { times.map(Double.init) }
  var initialNoiseScale: Float { 1 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    configuration.noise.noised(clean, noise, at: times[index])
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    configuration.clean(output, sample, at: times[index])
  }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    defer { counter += 1 }
    return counter < rungeKuttaCount
      ? rungeKutta(output.detached, times[index], sample.detached)
      : multistep(output.detached, times[index], sample.detached)
  }

  private mutating func rungeKutta(_ output: Tensor, _ time: Int, _ sample: Tensor) -> Tensor {
    let previous = time - (counter % 2 == 0 ? stride / 2 : 0)
    let start = times[counter / 4 * 4]
    var estimate = output
    switch counter % 4 {
    case 0:
      mean = output.affine(scale: 1 / 6)
      history.append(output)
      saved = sample
    case 1, 2: mean = .combination(1, mean ?? output, 1 / 3, output)
    default:
      estimate = .combination(1, mean ?? output, 1 / 6, output)
      mean = nil
    }
    return transfer(saved ?? sample, start, previous, estimate)
  }

  private mutating func multistep(_ output: Tensor, _ time: Int, _ sample: Tensor) -> Tensor {
    var (time, previous, sample, estimate) = (time, time - stride, sample, output)
    if counter == 1 {
      previous = time
      time += stride
    } else {
      history = history.suffix(3) + [output]
    }
    let e = history
    let last = e.count - 1
    switch e.count {
    case 1 where counter == 0: saved = sample
    case 1:
      estimate = .combination(0.5, output, 0.5, e[last])
      sample = saved ?? sample
      saved = nil
    case 2: estimate = .combination(1.5, e[last], -0.5, e[last - 1])
    case 3:
      let newer = Tensor.combination(23 / 12, e[last], -16 / 12, e[last - 1])
      estimate = .combination(1, newer, 5 / 12, e[last - 2])
    default:
      let newer = Tensor.combination(55 / 24, e[last], -59 / 24, e[last - 1])
      let older = Tensor.combination(37 / 24, e[last - 2], -9 / 24, e[last - 3])
      estimate = newer + older
    }
    return transfer(sample, time, previous, estimate)
  }

  private func transfer(
    _ sample: Tensor, _ time: Int, _ previous: Int, _ output: Tensor
  ) -> Tensor {
    let alpha = configuration.alpha(time)
    let alphaNext = configuration.alpha(previous)
    let (beta, betaNext) = (1 - alpha, 1 - alphaNext)
    let noise =
      configuration.prediction == .velocity
      ? Tensor.combination(alpha.squareRoot(), output, beta.squareRoot(), sample) : output
    let denominator =
      alpha * betaNext.squareRoot() + (alpha * beta * alphaNext).squareRoot()
    return .combination(
      (alphaNext / alpha).squareRoot(), sample, -(alphaNext - alpha) / denominator, noise)
  }

  var state: [String: Tensor] {
    get {
      var state = history.numbered("scheduler.history")
      state["scheduler.counter"] = .scalar(Float(counter))
      state["scheduler.saved"] = saved
      state["scheduler.mean"] = mean
      return state
    }
    set {
      counter = Int(newValue["scheduler.counter"]?.item ?? 0)
      history = [Tensor](numbered: "scheduler.history", in: newValue, count: 4)
      saved = newValue["scheduler.saved"]
      mean = newValue["scheduler.mean"]
    }
  }
}
