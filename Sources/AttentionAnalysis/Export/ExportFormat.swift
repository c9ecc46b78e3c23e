/// A file format of exported arrays.
public enum ExportFormat: String, Hashable, Sendable, CaseIterable {
  /// One `.npy` per array, byte for byte what `np.save` writes.
  case npy
  /// All arrays in one `.npz`, byte for byte what `np.savez` writes.
  case npz
  /// All arrays in one `.safetensors`.
  case safetensors
  /// A Zarr v3 store, one chunk per call, with CRC-32C.
  case zarr
  /// A Zarr v2 store, one chunk per call.
  case zarr2
  /// One `.csv` per layer, one row per number.
  case csv
}
