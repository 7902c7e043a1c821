/** An answer that is not what was asked for: its status, and its code in {"error": code}. */
export class ApiError extends Error {
  constructor(statusCode, code, options) {
    super(code, options);
    this.statusCode = statusCode;
    this.code = code;
  }
}

/** The promise's value; what it fails with becomes 503, but for answers. */
export async function fromDatabase(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(503, 'database', { cause: error });
  }
}
