private import CKernels
private import COpenBLAS
private import Foundation
internal import Synchronization

/// Process-wide settings of the engine.
///
/// Within another program it changes nothing of these unless it is asked to; the command `heed`, whose
/// process is its own, asks for all of them. No result depends on memory or on OpenBLAS's threads;
/// the number of threads can move one by the rounding of its last digits.
public enum Engine {
  /// Threads that work at a time, at least 1; the number of active processor cores unless it is set.
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
  private static let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)

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

  /// Sets OpenBLAS to one thread for the rest of the process.
  ///
  /// Without it, the engine does so around its own products and sets the number back after them, as
  /// its own threads would otherwise be multiplied by OpenBLAS's.
  public static func keepOpenBLASOnOneThread() {
    guard !isBLASOnOneThread.exchange(true, ordering: .relaxed) else { return }
    openblas_set_num_threads(1)
  }

  private static let isBLASOnOneThread = Atomic(false)

  /// The products that run just now, and OpenBLAS's number of threads before the first of them.
  private static let products = Mutex<(running: Int, threads: Int32)>((0, 1))

  /// Runs a product with OpenBLAS on the calling thread.
  static func withBLASOnOneThread(_ product: () -> Void) {
    if isBLASOnOneThread.load(ordering: .relaxed) { return product() }
    products.withLock { products in
      if products.running == 0 {
        products.threads = openblas_get_num_threads()
        if products.threads != 1 { openblas_set_num_threads(1) }
      }
      products.running += 1
    }
    product()
    products.withLock { products in
      products.running -= 1
      // Another number than 1 was set by somebody else meanwhile, and stays.
      if products.running == 0, products.threads != 1, openblas_get_num_threads() == 1,
        !isBLASOnOneThread.load(ordering: .relaxed)
      {
        openblas_set_num_threads(products.threads)
      }
    }
  }
}
