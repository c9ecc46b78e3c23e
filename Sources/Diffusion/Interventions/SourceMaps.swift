internal import AttentionTrace
internal import Synchronization
internal import TensorEngine

/// Keeps the maps of a source's latest pass, for the run that is made in step with it.
final class SourceMaps: AttentionObserver, Sendable {
  private let windows: (cross: PromptToPrompt.Window, own: PromptToPrompt.Window)
  private let selfPixels: Int
  private let iterations: Int
  private let kept = Mutex<[String: Tensor]>([:])

  /// - Parameter selfPixels: self-attention of more pixels is not taken over.
  init(
    windows: (cross: PromptToPrompt.Window, own: PromptToPrompt.Window), selfPixels: Int,
    iterations: Int
  ) {
    self.windows = windows
    self.selfPixels = selfPixels
    self.iterations = iterations
  }

  /// Whether the maps of a site are taken over in a step.
  func isTaken(_ site: AttentionSite, at step: Int) -> Bool {
    switch site.kind {
    // The published code has one more entry for cross-attention than there are iterations.
    case .cross, .joint: windows.cross.contains(step, of: iterations + 1)
    case .`self`:
      site.grid.pixels <= selfPixels && windows.own.contains(step, of: iterations)
    }
  }

  func wants(_ site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass) -> Bool {
    point == .probabilities && isTaken(site, at: pass.step)
  }

  func observe(
    _ values: Span<Float>, at site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass
  ) {
    guard let row = pass.branches.lastIndex(of: .conditional) else { return }
    let count = site.heads * site.grid.pixels * site.keys
    let map = unsafe Tensor(shape: [1, site.heads, site.grid.pixels, site.keys]) { map in
      for index in 0..<count { unsafe map[index] = values[row * count + index] }
    }
    kept.withLock { $0[site.path] = map }
  }

  /// The latest maps of a site, `[1, head, pixel, key]`.
  func map(of site: AttentionSite) -> Tensor? { kept.withLock { $0[site.path] } }
}
