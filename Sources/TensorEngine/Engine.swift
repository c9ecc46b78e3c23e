private import CKernels
private import Foundation
internal import Synchronization

/// Process-wide settings of the engine.
///
/// Within another program it changes nothing of these unless it is asked to; the command `heed`, whose
/// process is its own, asks for all of them. No result depends on memory; the number of threads can move
/// one by the rounding of its last digits.
public enum Engine {
  /// Threads that work at a time, at least 1; the number of cores that the process may run on unless it is set.
  ///
  /// To be set before the work that it is meant for: the same number gives the same bits.
  public static var threads: Int {
    get {
      let asked = askedThreads.load(ordering: .relaxed)
      return asked > 0 ? asked : cores
    }
    set { askedThreads.store(max(1, newValue), ordering: .relaxed) }
  }

  private static let askedThreads = Atomic(0)
  private static let cores = {
    let own = Int(ck_cores())
    return own > 0 ? own : ProcessInfo.processInfo.activeProcessorCount
  }()

  /// What the factors of products are taken as.
  public enum Precision: String, Sendable, CaseIterable {
    /// As they are; with matrix units, as sums of two bfloat16, to about 5·10⁻⁶ of a product's range.
    case float32
    /// Rounded to bfloat16, to about 2·10⁻³ of a product's range; sums, and all that is no product, are
    /// float32.
    case bfloat16
  }

  /// What the factors of products are taken as; ``Precision/float32`` unless it is set.
  ///
  /// To be set before the work that it is meant for; runs name it.
  public static var precision: Precision {
    get { ck_products() == 1 ? .bfloat16 : .float32 }
    set { ck_set_products(newValue == .bfloat16 ? 1 : 3) }
  }

  /// Whether the processor multiplies bfloat16 by itself, so that it is faster than float32.
  package static var hasBrainUnits: Bool { ck_has_brain_units() != 0 }

  /// The most memory that the process may take, in bytes; `nil`, which it is unless it is set, for all there is.
  ///
  /// What a plan needs is compared with it before a run begins.
  public static var maximumMemory: Int? {
    get {
      let asked = askedMemory.load(ordering: .relaxed)
      return asked > 0 ? asked : nil
    }
    set { askedMemory.store(max(0, newValue ?? 0), ordering: .relaxed) }
  }

  private static let askedMemory = Atomic(0)

  /// Lets malloc keep what tensors give back, up to a gigabyte in one piece, for the rest of the
  /// process, and give it to the system where a run has ended (`mallopt`, `malloc_trim`).
  ///
  /// To get memory again costs a page fault every 4 KB, which for large temporary tensors is more than
  /// the arithmetic on them. Does nothing where the C library is not glibc.
  public static func keepFreedMemory() {
    guard !isKeepingMemory.exchange(true, ordering: .relaxed) else { return }
    ck_keep_freed_memory()
  }

  private static let isKeepingMemory = Atomic(false)

  /// Whether ``keepFreedMemory()`` was called.
  static var keepsFreedMemory: Bool { isKeepingMemory.load(ordering: .relaxed) }
}
