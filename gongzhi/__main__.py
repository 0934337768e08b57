from gongzhi.cli.main import app

app()
