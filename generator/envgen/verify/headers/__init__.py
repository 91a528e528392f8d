"""What the headers of a folder say: whom it is for, and what people are told of it."""
