"""Start the web page: python app.py"""

from app.command import main

if __name__ == "__main__":
    main()
