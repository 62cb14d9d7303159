// What a program is given: a model, a server, and how it is to connect them.
const it = process.env;

export const model = it.MODEL;
export const key = "not-a-key";
export const prompt = "Run the show.";
export const url = it.SERVER_URL;
export const headers = JSON.parse(it.SERVER_HEADERS ?? "{}");
export const [command, ...args] = JSON.parse(it.SERVER_COMMAND ?? '[""]');
export const env = JSON.parse(it.SERVER_VARIABLES ?? "{}");
export const form = "FORM" in it;
export const strict = "STRICT" in it;
export const turns = 30;
const readMilliseconds = 5500;

// What a person chooses after a while: the last of the choices.
export async function approval(schema) {
  await new Promise((done) => setTimeout(done, readMilliseconds));
  const [[name, field]] = Object.entries(schema.properties);
  return { [name]: field.enum.at(-1) };
}
